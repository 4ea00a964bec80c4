// ocean.js 8.6.2's own compute flows, free and paid, step by step, against the node it is told of.
//
// Reads one JSON object from stdin (the node's URL, a key, files, algorithms) and prints one JSON
// object a line for every step: {step, ok, detail, seconds}; everything else goes to stderr.

import { Console } from 'node:console'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const report = (line) => process.stdout.write(JSON.stringify(line) + '\n')
globalThis.console = new Console(process.stderr)

const {
  Aquarius,
  Datatoken,
  EscrowContract,
  FileObjectType,
  Nft,
  NftFactory,
  ProviderInstance: provider,
  ZERO_ADDRESS: nobody,
  approve,
  generateDid,
  getEventFromTx,
} = await import('@oceanprotocol/lib')
const { JsonRpcProvider, Wallet } = await import('ethers')

const CONTAINER = { entrypoint: 'python3 $ALGO', image: 'python', tag: '3.11-slim', checksum: '' }
const RUNNING = 40
const SETTLING = 71
const SETTLED = 70
const RESOURCES = ['cpu', 'ram', 'disk'].map((id) => ({ id, amount: 1 }))
const STDERR = 2

const expect = (condition, what) => {
  if (!condition) throw new Error(what)
}

const bytesOf = async (answer) => {
  // A result comes as chunks, a log as a stream of the web's.
  const chunks = []
  for await (const chunk of answer) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

const unframed = (log) => {
  const found = { 1: '', 2: '' }
  for (let at = 0; at < log.length; ) {
    const end = at + 8 + log.readUInt32BE(at + 4)
    found[log[at]] += log.subarray(at + 8, end).toString()
    at = end
  }
  return found
}

const fileInTar = (tar, name) => {
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512)
    const named = header.subarray(0, 100).toString().replace(/\0.*$/s, '')
    const size = parseInt(header.subarray(124, 136).toString(), 8) || 0
    if (named === name) return tar.subarray(at + 512, at + 512 + size).toString()
    at += 512 + Math.ceil(size / 512) * 512
  }
  throw new Error(`${name} is not in the archive`)
}

class Flow {
  constructor(told) {
    this.told = told
    this.url = told.node_url
    this.chain = new JsonRpcProvider(told.rpc_url, undefined, { cacheTimeout: -1 })
    this.chain.pollingInterval = 100
    this.signer = new Wallet(told.keys[0], this.chain)
    this.stranger = new Wallet(told.keys[1])
    this.config = { chainId: told.contracts.chainId, gasFeeMultiplier: 1 }
  }

  async environments() {
    expect(await provider.isValidProvider(this.url), 'isValidProvider says no')
    const [environment] = await provider.getComputeEnvironments(this.url)
    this.environment = environment.id
    expect(environment.free.resources.length === 3, JSON.stringify(environment.free))
    return `free: ${environment.free.resources.map(({ id, max }) => `${id} ${max}`).join(', ')}`
  }

  async file_info() {
    const file = { type: FileObjectType.URL, url: this.told.dataset_url, method: 'GET' }
    const [info] = await provider.getFileInfo(file, this.url)
    expect(info.valid && Number(info.contentLength) === this.told.bytes, JSON.stringify(info))
    return `${info.contentLength} bytes`
  }

  async _start(rawcode, signer = this.signer, resources = [{ id: 'cpu', amount: 1 }]) {
    const algorithm = { meta: { rawcode, language: 'python', version: '1', container: CONTAINER } }
    const file = { type: 'url', url: this.told.dataset_url, method: 'GET' }
    const answer = await provider.freeComputeStart(
      this.url,
      signer,
      this.environment,
      [{ fileObject: file }],
      algorithm,
      resources
    )
    const job = Array.isArray(answer) ? answer[0] : answer
    expect(job?.jobId?.startsWith(this.environment.split('-')[0]), JSON.stringify(answer))
    return job
  }

  async _until(jobId, reached) {
    const seen = []
    for (const deadline = Date.now() + 60_000; ; await pause(100)) {
      const [job] = await provider.computeStatus(this.url, this.signer, jobId)
      if (seen.at(-1) !== job.status) seen.push(job.status)
      if (reached(job)) return { job, seen }
      expect(Date.now() < deadline, `stays at ${job.status}`)
    }
  }

  async start() {
    this.job = await this._start(this.told.raw_code)
    expect(this.job.status === 10 && this.job.isFree, JSON.stringify(this.job))
    return this.job.statusText
  }

  async status() {
    const { job } = await this._until(this.job.jobId, (one) => one.dateFinished)
    const isDone = [SETTLING, SETTLED].includes(job.status)
    expect(isDone && job.terminationDetails.exitCode === 0, JSON.stringify(job))
    this.results = job.results
    return `to '${job.statusText}', exit code ${job.terminationDetails.exitCode}`
  }

  async _read(type, signerOrToken = this.signer) {
    const { index, filesize } = this.results.find((file) => file.type === type)
    const answer = provider.getComputeResult(this.url, signerOrToken, this.job.jobId, index)
    const data = await bytesOf(await answer)
    expect(data.length === filesize, `${data.length} bytes of ${filesize}`)
    return data
  }

  async result() {
    const log = unframed(await this._read('algorithmLog'))
    expect(log[1].startsWith('counting ') && log[STDERR].includes('standard error'), log[1])
    const report = JSON.parse(fileInTar(await this._read('output'), 'outputs/count.json'))
    expect(report.lines === this.told.lines, JSON.stringify(report))
    return this.results.map((file) => file.filename).join(', ')
  }

  async logs() {
    this.running = await this._start(this.told.waiting_code)
    const { jobId } = this.running
    await this._until(jobId, (job) => job.status === RUNNING && job.algoStartTimestamp !== '0')
    const stream = await provider.computeStreamableLogs(this.url, this.signer, jobId)
    for await (const chunk of stream) {
      const text = unframed(Buffer.from(chunk))[1]
      expect(text.includes('waiting to be stopped'), text)
      return 'its first line while it runs'
    }
    throw new Error('the stream is empty')
  }

  async stop() {
    const { jobId } = this.running
    const [answered] = await provider.computeStop(jobId, this.url, this.signer)
    expect(answered.stopRequested && answered.status === RUNNING, JSON.stringify(answered))
    const { job } = await this._until(jobId, (one) => one.dateFinished)
    expect(job.terminationDetails.exitCode === 137, JSON.stringify(job))
    return `answered ${answered.status}, then ${job.status} with exit code 137`
  }

  async token() {
    const token = await provider.generateAuthToken(this.signer, this.url)
    expect(token.split('.').length === 3, token)
    const { jobId } = await this._start(this.told.waiting_code, token)
    const [stopped] = await provider.computeStop(jobId, this.url, token)
    expect(stopped.stopRequested, JSON.stringify(stopped))
    await this._until(jobId, (job) => job.dateFinished)
    // It asks for results without the token, in 8.6.2: a node answers 401.
    const read = await this._read('configurationLog', token).catch((error) => error.message)
    expect(String(read).includes('401'), read)
    const gone = await provider.invalidateAuthToken(this.signer, token, this.url)
    expect(gone.success, JSON.stringify(gone))
    const after = await this._start(this.told.raw_code, token).catch((error) => error)
    expect(after instanceof Error, 'a token works after its end')
    return 'starts, stops; refused after its end'
  }

  async _publish(name, url, metadata, service) {
    const { contracts } = this.told
    const owner = await this.signer.getAddress()
    const factory = new NftFactory(contracts.ERC721Factory, this.signer, contracts.chainId, this.config)
    const made = await factory.createNftWithDatatoken(
      { name, symbol: name, templateIndex: 1, tokenURI: '', transferable: true, owner },
      {
        ...{ templateIndex: 1, cap: '1000', feeAmount: '0', name, symbol: name },
        ...{ paymentCollector: owner, feeToken: nobody, minter: owner, mpFeeAddress: nobody }
      }
    )
    const receipt = await made.wait()
    const nftAddress = getEventFromTx(receipt, 'NFTCreated').args.newTokenAddress
    const datatokenAddress = getEventFromTx(receipt, 'TokenCreated').args.newTokenAddress
    const files = { datatokenAddress, nftAddress, files: [{ type: 'url', url, method: 'GET' }] }
    const ddo = {
      '@context': ['https://w3id.org/did/v1'],
      id: generateDid(nftAddress, contracts.chainId),
      nftAddress,
      version: '4.1.0',
      chainId: contracts.chainId,
      metadata: {
        ...{ created: '2026-11-30T00:00:00Z', updated: '2026-11-30T00:00:00Z', name },
        ...{ description: name, author: 'interop', license: 'none', ...metadata }
      },
      services: [
        {
          ...{ id: name, type: 'access', datatokenAddress, serviceEndpoint: this.url, timeout: 3600 },
          files: await provider.encrypt(files, contracts.chainId, this.url, this.signer),
          ...service
        }
      ]
    }
    const aquarius = new Aquarius(this.url)
    const valid = await aquarius.validate(ddo, this.signer, this.url)
    expect(valid.valid, JSON.stringify(valid))
    const sealed = await provider.encrypt(ddo, contracts.chainId, this.url, this.signer)
    const nft = new Nft(this.signer, contracts.chainId, this.config)
    const set = await nft.setMetadata(nftAddress, owner, 0, this.url, '', '0x02', sealed, valid.hash)
    const { hash } = await set.wait()
    return aquarius.waitForIndexer(ddo.id, hash, undefined, 100, 100)
  }

  async publish() {
    const container = { ...CONTAINER, checksum: 'sha256:1' }
    const algorithm = { language: 'python', version: '1', container }
    const made = { type: 'algorithm', algorithm }
    this.algorithm = await this._publish('count', this.told.algorithm_url, made, {})
    const [checked] = await provider.checkDidFiles(this.algorithm.id, 'count', this.url, true)
    const trusted = {
      did: this.algorithm.id,
      serviceId: 'count',
      filesChecksum: checked.checksum,
      containerSectionChecksum: createHash('sha256').update('python3 $ALGOsha256:1').digest('hex')
    }
    const compute = {
      ...{ allowRawAlgorithm: false, allowNetworkAccess: false },
      ...{ publisherTrustedAlgorithms: [trusted], publisherTrustedAlgorithmPublishers: [] }
    }
    const url = this.told.dataset_url
    const kind = { type: 'compute', compute }
    this.dataset = await this._publish('rows', url, { type: 'dataset' }, kind)
    expect(this.dataset.indexedMetadata.nft.state === 0, JSON.stringify(this.dataset))
    return `${this.algorithm.metadata.name}, ${this.dataset.metadata.name}`
  }

  _asked(ddo, transferTxId) {
    const named = { documentId: ddo.id, serviceId: ddo.services[0].id }
    return transferTxId ? { ...named, transferTxId } : named
  }

  _quote(dataset, algorithm) {
    const { Ocean, chainId } = this.told.contracts
    const terms = [Ocean, 60, this.url, this.signer.address, RESOURCES, chainId]
    return provider.initializeCompute([dataset], algorithm, this.environment, ...terms)
  }

  async order() {
    const quote = await this._quote(this._asked(this.dataset), this._asked(this.algorithm))
    const datatoken = new Datatoken(this.signer, this.told.contracts.chainId, this.config)
    this.orders = []
    for (const one of [quote.datasets[0], quote.algorithm]) {
      await (await datatoken.mint(one.datatoken, this.signer.address, '1')).wait()
      const { consumerAddress, providerFee } = one
      const order = await datatoken.startOrder(one.datatoken, consumerAddress, 0, providerFee)
      this.orders.push((await order.wait()).hash)
    }
    const inputs = [this.dataset, this.algorithm].map((ddo, i) => this._asked(ddo, this.orders[i]))
    const again = await this._quote(...inputs)
    expect(again.datasets[0].validOrder === this.orders[0], JSON.stringify(again))
    expect(again.algorithm.validOrder === this.orders[1], JSON.stringify(again))
    this.payment = again.payment
    return `a dataset and an algorithm; the job: ${Number(again.payment.amount) / 1e18} tokens`
  }

  async pay() {
    const { contracts } = this.told
    const { escrowAddress, payee, minLockSeconds, token } = this.payment
    const escrow = new EscrowContract(escrowAddress, this.signer, contracts.chainId, this.config)
    await approve(this.signer, this.config, this.signer.address, token, escrowAddress, '10')
    await (await escrow.deposit(token, '10')).wait()
    await (await escrow.authorize(token, payee, '10', String(minLockSeconds), '10')).wait()
    const funds = await escrow.getUserFunds(this.signer.address, token)
    expect(funds[0] === 10n ** 19n, String(funds))
    this.escrow = escrow
    return '10 tokens deposited'
  }

  async paid_start() {
    const { Ocean, chainId } = this.told.contracts
    const inputs = [this.dataset, this.algorithm].map((ddo, i) => this._asked(ddo, this.orders[i]))
    const asked = [this.environment, [inputs[0]], inputs[1], 60, Ocean, RESOURCES, chainId]
    const answer = await provider.computeStart(this.url, this.signer, ...asked)
    this.job = Array.isArray(answer) ? answer[0] : answer
    expect(this.job.payment?.lockTx && !this.job.isFree, JSON.stringify(answer))
    const { job } = await this._until(this.job.jobId, (one) => one.dateFinished)
    this.results = job.results
    const report = JSON.parse(fileInTar(await this._read('output'), 'outputs/count.json'))
    expect(report.lines === this.told.lines, JSON.stringify(report))
    return `locked, run, ${report.lines} lines counted`
  }

  async settled() {
    const { job } = await this._until(this.job.jobId, (one) => one.status === SETTLED)
    const funds = await this.escrow.getUserFunds(this.signer.address, this.payment.token)
    expect(funds[0] === 9n * 10n ** 18n && funds[1] === 0n, String(funds))
    return `'${job.statusText}', cost ${job.payment.cost}`
  }

  async refusals() {
    const much = this._start(this.told.raw_code, this.signer, [{ id: 'ram', amount: 4096 }])
    const first = await much.catch((error) => error.message)
    expect(first.includes('Not enough ram resources'), first)
    const { jobId } = this.job
    const second = provider.getComputeResult(this.url, this.stranger, jobId, 0).then(bytesOf)
    const answered = await second.then(String, (error) => error.message)
    expect(answered.includes('500'), answered) // all that ocean.js tells
    return 'too much memory; a stranger'
  }
}

const STEPS = [
  'environments',
  'file_info',
  'start',
  'status',
  'result',
  'logs',
  'stop',
  'token',
  'refusals',
  'publish',
  'order',
  'pay',
  'paid_start',
  'settled'
]

const told = JSON.parse(fs.readFileSync(0, 'utf8'))
const flow = new Flow(told)
for (const step of STEPS) {
  const started = Date.now()
  const line = { step, ok: true, detail: '' }
  try {
    line.detail = await flow[step]()
  } catch (error) {
    process.exitCode = 1
    line.ok = false
    line.detail = `${error?.name ?? 'thrown'}: ${error?.message ?? error}`
    console.error(error)
  }
  report({ ...line, seconds: (Date.now() - started) / 1000 })
}
process.exit() // an open stream would keep it
