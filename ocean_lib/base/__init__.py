"""What every room stands on: bounded memory, text files, tables, arguments."""
