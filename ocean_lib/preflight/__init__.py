"""What a back end would say to a job or an order, before anything is started or paid."""
