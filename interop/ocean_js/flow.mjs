// ocean.js 0.17's own compute-to-data flow, step by step, against the network it is told of.
//
// Reads one JSON object from stdin (addresses and keys of the network, files, algorithms) and
// prints one JSON object a line for every step: {step, ok, detail, seconds}; everything else
// goes to stderr.

import { Console } from 'node:console'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const report = (line) => process.stdout.write(JSON.stringify(line) + '\n')
const said = [] // what ocean.js logs is often all that is left of an error
globalThis.console = new Console(process.stderr)
const { error: show } = console
console.error = (...values) => {
  said.push(values.map(String).join(' '))
  show(...values)
}

const { default: Web3 } = await import('web3')
const { Account, ConfigHelper, Ocean } = await import('@oceanprotocol/lib')

const CREATED = '2021-08-01T10:00:00Z'
const CONTAINER = { entrypoint: 'python3 $ALGO', image: 'python', tag: '3.8' }
const FINISHED = 70
const RUNNING = 40

const expect = (condition, what) => {
  if (!condition) throw new Error(what)
}

class Flow {
  static async open(told) {
    const flow = new Flow()
    flow.told = told
    flow.web3 = new Web3(told.rpc_url)
    // The node holds no keys, so web3.js does: it signs transactions and messages by itself.
    const accounts = told.keys.map((key) => flow.web3.eth.accounts.wallet.add(key).address)
    process.env.ADDRESS_FILE = told.address_file
    const config = {
      ...new ConfigHelper().getConfig('development'),
      nodeUri: told.rpc_url,
      providerUri: told.provider_url,
      metadataCacheUri: told.metadata_cache_url,
      providerAddress: told.provider_address,
      web3Provider: flow.web3
    }
    flow.ocean = await Ocean.getInstance(config)
    ;[flow.publisher, flow.consumer] = accounts.map(
      (address) => new Account(address, flow.ocean.instanceConfig)
    )
    return flow
  }

  // Publishing

  async _publish(main, makeService) {
    const service = await makeService(this.publisher)
    const ddo = await this.ocean.assets.create({ main }, this.publisher, [service])
    expect(ddo, 'assets.create returned nothing')
    const receipt = await this.ocean.onChainMetadata.publish(ddo.id, ddo, this.publisher.getId())
    expect(receipt && receipt.status, `publish: ${said.at(-1)}`)
    return this._resolved(ddo.id)
  }

  async _resolved(did) {
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(200)) {
      const ddo = await this.ocean.metadataCache.retrieveDDO(did)
      if (ddo?.id) return ddo // the metadata cache follows the chain, it does not lead it
    }
    throw new Error(`${did} does not resolve`)
  }

  _algorithm(name) {
    const main = {
      type: 'algorithm',
      name,
      dateCreated: CREATED,
      datePublished: CREATED, // Aquarius wants it, ocean.js leaves it to its user
      author: 'ocean.js',
      license: 'CC0',
      files: [{ url: this.told.algorithm_url, contentType: 'text/x-python' }],
      algorithm: { language: 'python', format: 'docker-image', version: '0.1', container: CONTAINER }
    }
    return this._publish(main, (creator) =>
      this.ocean.assets.createAccessServiceAttributes(creator, '1', CREATED, 3600)
    )
  }

  async publish_algorithm() {
    this.algorithm = await this._algorithm('count')
    this.untrusted = await this._algorithm('not trusted')
    return this.algorithm.id
  }

  async publish_dataset() {
    const { compute } = this.ocean
    const trusted = await compute.createPublisherTrustedAlgorithmfromDID(this.algorithm.id)
    const provider = compute.createProviderAttributes(
      'Azure',
      'Compute service',
      compute.createClusterAttributes('Kubernetes', 'http://127.0.0.1/'),
      [compute.createContainerAttributes('python', '3.8', 'sha256:0')],
      [compute.createServerAttributes('1', 'xlsize', '50', '16', '0', '128gb', '160gb', 3600)]
    )
    const privacy = {
      allowRawAlgorithm: true,
      allowNetworkAccess: false,
      allowAllPublishedAlgorithms: false,
      publisherTrustedAlgorithms: [trusted]
    }
    const main = {
      type: 'dataset',
      name: 'a table of ocean.js',
      dateCreated: CREATED,
      datePublished: CREATED, // Aquarius wants it, ocean.js leaves it to its user
      author: 'ocean.js',
      license: 'CC0',
      files: [{ url: this.told.dataset_url, contentType: 'text/csv' }]
    }
    this.dataset = await this._publish(main, (creator) =>
      compute.createComputeService(creator, '1', CREATED, provider, privacy, 3600)
    )
    expect(await compute.isAlgorithmTrusted(this.dataset, 1, this.algorithm.id), 'not trusted')
    return this.dataset.id
  }

  async find() {
    const mine = await this.ocean.assets.ownerAssets(this.publisher.getId())
    const owned = mine.results.map(({ id }) => id)
    expect(owned.includes(this.dataset.id), `ownerAssets: ${JSON.stringify(mine).slice(0, 200)}`)
    const found = (await this.ocean.assets.search('a table of ocean.js')).results
    expect(
      found.some(({ id }) => id === this.dataset.id),
      'search'
    )
    return `${mine.totalResults} assets of the publisher`
  }

  async mint() {
    for (const { dataToken } of [this.dataset, this.algorithm, this.untrusted]) {
      const { datatokens } = this.ocean
      await datatokens.mint(dataToken, this.publisher.getId(), '10', this.consumer.getId())
      const balance = await datatokens.balance(dataToken, this.consumer.getId())
      expect(balance === '10', `the balance is ${balance}`)
    }
    return ''
  }

  // Ordering

  async order() {
    const { assets, compute } = this.ocean
    const address = this.consumer.getId()
    const service = this.dataset.findServiceByType('compute')
    this.datasetOrder = await compute.orderAsset(
      address,
      this.dataset,
      service.index,
      { did: this.algorithm.id },
      null,
      address
    )
    this.algorithmOrder = await compute.orderAlgorithm(this.algorithm, 'access', address)
    expect(this.datasetOrder && this.algorithmOrder, said.at(-1))
    const again = await compute.orderAlgorithm(this.algorithm, 'access', address)
    expect(again === this.algorithmOrder, 'the order just made is not found and used again')
    const orders = await assets.getOrderHistory(this.consumer)
    expect(orders.length === 2, `getOrderHistory found ${orders.length} orders`)
    return ''
  }

  // Computing

  async _start(algorithm) {
    const service = this.dataset.findServiceByType('compute')
    return this.ocean.compute.start(
      this.dataset.id,
      this.datasetOrder,
      this.dataset.dataToken,
      this.consumer,
      algorithm,
      undefined,
      `${service.index}`,
      service.type
    )
  }

  async _startRaw(rawcode) {
    const meta = {
      rawcode,
      language: 'python',
      format: 'docker-image',
      version: '0.1',
      container: CONTAINER
    }
    const job = await this._start({ meta })
    expect(job?.jobId?.length === 32, `start: ${said.at(-1)}`)
    return job.jobId
  }

  async _status(jobId) {
    const did = this.dataset.id
    const jobs = await this.ocean.compute.status(this.consumer, did, undefined, undefined, jobId)
    expect(jobs?.length === 1 && jobs[0].jobId === jobId, `status: ${JSON.stringify(jobs)}`)
    return jobs[0]
  }

  async _until(jobId, wanted) {
    const texts = new Set()
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(100)) {
      const { status, statusText } = await this._status(jobId)
      texts.add(statusText)
      if (status === wanted) return [...texts]
    }
    throw new Error(`not at ${wanted} after 60 s: ${[...texts]}`)
  }

  async _count(jobId) {
    const job = await this.ocean.compute.result(this.consumer, this.dataset.id, jobId)
    const urls = [job.resultsUrl].flat()
    const answers = await Promise.all(urls.map((url) => fetch(url)))
    expect(answers.length > 0 && answers.every(({ status }) => status === 200), `${urls.length}`)
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    const counts = texts.filter((text) => text.includes('"lines"')).map((text) => JSON.parse(text))
    expect(counts.length === 1 && counts[0].lines === this.told.lines, texts.join())
    const log = await (await fetch([job.algorithmLogUrl].flat()[0])).text()
    expect(log.includes('counting'), log)
    return `${answers.length} file(s), log of ${log.length} bytes`
  }

  async start_by_did() {
    const job = await this._start({
      did: this.algorithm.id,
      serviceIndex: this.algorithm.findServiceByType('access').index,
      transferTxId: this.algorithmOrder,
      dataToken: this.algorithm.dataToken
    })
    expect(job?.jobId?.length === 32, `start: ${said.at(-1)}`)
    this.job = job.jobId
    return ''
  }

  async status() {
    const texts = await this._until(this.job, FINISHED)
    return `to '${texts.at(-1)}'`
  }

  async result() {
    return this._count(this.job)
  }

  async start_raw() {
    const job = await this._startRaw(this.told.raw_code)
    await this._until(job, FINISHED)
    return this._count(job)
  }

  async stop() {
    const job = await this._startRaw(this.told.waiting_code)
    await this._until(job, RUNNING)
    const answer = await this.ocean.compute.stop(this.consumer, this.dataset.id, job)
    expect(answer?.jobId === job, `stop: ${said.at(-1)}`)
    await this._until(job, FINISHED)
    const { stopreq } = await this._status(job)
    expect(stopreq === 1, `stopreq ${stopreq}`)
    return `answered ${answer.status}, then ${FINISHED}`
  }

  async all_jobs() {
    const did = this.dataset.id
    const { compute } = this.ocean
    const jobs = await compute.status(this.consumer, did)
    expect(jobs?.length === 3, `status of all jobs: ${JSON.stringify(jobs)}`)
    // It sends no jobId then, which the Provider verifies as the word None: so "not authorised".
    expect(!jobs.some((job) => 'resultsUrl' in job), 'results without a valid signature')
    const none = await compute.status(this.consumer, did, undefined, undefined, '0'.repeat(32))
    expect(Array.isArray(none) && none.length === 0, `unknown job: ${JSON.stringify(none)}`)
    return `${jobs.length}, without results; an empty list`
  }

  async refusal() {
    const { index } = this.dataset.findServiceByType('compute')
    const algorithm = { did: this.untrusted.id, dataToken: this.untrusted.dataToken }
    this.untrustedAlgorithm = algorithm
    const orderable = await this.ocean.compute.isOrderable(this.dataset, index, algorithm)
    expect(!orderable, 'isOrderable says yes to an algorithm that is not trusted')
    const address = this.consumer.getId()
    algorithm.transferTxId = await this.ocean.compute.orderAlgorithm(
      this.untrusted,
      'access',
      address
    )
    said.length = 0
    const job = await this._start(algorithm)
    expect(job === null, `an algorithm that is not trusted was started: ${JSON.stringify(job)}`)
    const answer = said.map((text) => text.match(/^Response message: \n(.*)/s)?.[1]).find(Boolean)
    expect(answer, `no answer from the Provider: ${said}`)
    const { error } = JSON.parse(answer)
    expect(error.includes('trusted'), error)
    return error
  }

  async trust() {
    const { compute, onChainMetadata } = this.ocean
    const before = await this._resolved(this.dataset.id)
    const changed = await compute.addTrustedAlgorithmtoAsset(before, -1, this.untrusted.id)
    const receipt = await onChainMetadata.update(changed.id, changed, this.publisher.getId())
    expect(receipt && receipt.status, `update: ${said.at(-1)}`)
    for (const deadline = Date.now() + 30_000; ; await pause(200)) {
      const now = await this._resolved(this.dataset.id)
      if (await compute.isAlgorithmTrusted(now, -1, this.untrusted.id)) break
      expect(Date.now() < deadline, 'the update is not in the metadata cache')
    }
    const job = await this._start(this.untrustedAlgorithm)
    expect(job?.jobId?.length === 32, `start: ${said.at(-1)}`)
    await this._until(job.jobId, FINISHED)
    return this._count(job.jobId)
  }

  async download() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ocean-js-'))
    try {
      const { id, dataToken } = this.algorithm
      await this.ocean.assets.download(id, this.algorithmOrder, dataToken, this.consumer, folder)
      const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
      const [file] = files.filter((entry) => entry.isFile())
      const content = fs.readFileSync(path.join(file.parentPath ?? file.path, file.name))
      const hash = createHash('sha256').update(content).digest('hex')
      expect(hash === this.told.algorithm_sha256, `${file.name} ${hash}`)
      return file.name
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  }
}

const NEEDED = ['publish_algorithm', 'publish_dataset', 'mint', 'order']
const STEPS = [
  'publish_algorithm',
  'publish_dataset',
  'find',
  'mint',
  'order',
  'start_by_did',
  'status',
  'result',
  'start_raw',
  'stop',
  'all_jobs',
  'refusal',
  'trust',
  'download'
]

const told = JSON.parse(fs.readFileSync(0, 'utf8'))
let flow
const failed = []
for (const step of STEPS) {
  const started = Date.now()
  const line = { step, ok: true, detail: '' }
  try {
    expect(!NEEDED.some((needed) => failed.includes(needed)), 'not reached')
    flow ??= await Flow.open(told)
    line.detail = await flow[step]()
  } catch (error) {
    failed.push(step)
    line.ok = false
    line.detail = `${error?.name ?? 'thrown'}: ${error?.message ?? error}`
    show(error)
  }
  report({ ...line, seconds: (Date.now() - started) / 1000 })
}
report({ assets: failed.length ? {} : { dataset: flow.dataset.id, algorithm: flow.algorithm.id } })
process.exitCode = failed.length ? 1 : 0
