// ocean.js 8.6.2 at work on an Ocean Node: the orders of `_driver.py`, one JSON object a line.
//
// Copied beside its node_modules before it is run.

import { Console } from 'node:console'
import fs from 'node:fs'
import { once } from 'node:events'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const answers = process.stdout
globalThis.console = new Console(process.stderr)

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const peakBytes = () => process.resourceUsage().maxRSS * 1024
const now = () => performance.now() / 1000
const CONTAINER = { entrypoint: 'python3 $ALGO', image: 'python', tag: '3.11-slim', checksum: '' }

class Driver {
  async setup({ url, did, keys }) {
    const { ProviderInstance } = await import('@oceanprotocol/lib')
    const { Wallet } = await import('ethers')
    this.provider = ProviderInstance
    this.url = url
    this.inputs = [{ fileObject: { type: 'url', url: did, method: 'GET' } }]
    this.wallets = keys.map((key) => new Wallet(key))
    this.logs = {}
    return { addresses: this.wallets.map((wallet) => wallet.address) }
  }

  async environments() {
    const [environment] = await this.provider.getComputeEnvironments(this.url)
    this.environment = environment.id
  }

  async start(wallet, code = { seconds: 0, bytes: 0 }) {
    if (!this.environment) await this.environments()
    const rawcode = JSON.stringify(code)
    const algorithm = { meta: { rawcode, language: 'python', version: '1', container: CONTAINER } }
    const { provider, url, environment, inputs } = this
    const answer = await provider.freeComputeStart(url, wallet, environment, inputs, algorithm)
    const job = Array.isArray(answer) ? answer[0] : answer
    if (!job?.jobId) throw new Error(JSON.stringify(answer))
    return job
  }

  operation(op) {
    const { provider } = this
    return {
      start: (wallet) => this.start(wallet),
      'first start': async (wallet) => {
        await this.environments()
        return this.start(wallet)
      },
      environments: () => this.environments(),
      status: async (wallet, id) => {
        const [job] = await provider.computeStatus(this.url, wallet, id)
        if (!job) throw new Error('no job')
        return job
      },
      result: async (wallet, id) => {
        this.logs[id] ??= await this.indexOf(wallet, id, 'algorithmLog')
        let size = 0
        const chunks = await provider.getComputeResult(this.url, wallet, id, this.logs[id])
        for await (const chunk of chunks) size += chunk.length
        if (!size) throw new Error('an empty log')
      },
      stop: async (wallet, id) => {
        const [job] = await provider.computeStop(id, this.url, wallet)
        if (!job) throw new Error('no job')
      }
    }[op]
  }

  async indexOf(wallet, id, type) {
    const [job] = await this.provider.computeStatus(this.url, wallet, id)
    return job.results.find((file) => file.type === type).index
  }

  async calls({ op, n, job_id: id }) {
    const call = this.operation(op)
    const walls = []
    const cpu = cpuSeconds()
    for (let i = 0; i < n; i++) {
      const began = now()
      await call(this.wallets[0], id)
      walls.push(now() - began)
    }
    return { walls, cpu: (cpuSeconds() - cpu) / Math.max(n, 1) }
  }

  async threads({ op, threads, each, jobs }) {
    const call = this.operation(op)
    const failed = []
    const work = async (number) => {
      for (let i = 0; i < each; i++) {
        const turn = number % jobs.length
        await call(this.wallets[turn], jobs[turn]).catch((error) => failed.push(error.name))
      }
    }
    const began = now()
    await Promise.all(Array.from({ length: threads }, (_, number) => work(number)))
    const seconds = now() - began
    return { seconds, calls: threads * each, failed: failed.length, why: [...new Set(failed)] }
  }

  // Once a second for all jobs of the wallet, by a status without an id.
  async list() {
    return this.provider.computeStatus(this.url, this.wallets[0])
  }

  async jobs({ n, seconds, size }) {
    const jobs = []
    for (let i = 0; i < n; i++) {
      jobs.push((await this.start(this.wallets[0], { seconds, bytes: size })).jobId)
    }
    while (!seconds && (await this.list()).some((job) => !job.dateFinished)) await pause(50)
    return { jobs }
  }

  async wait({ jobs }) {
    const [began, cpu, before] = [now(), cpuSeconds(), process.memoryUsage.rss()]
    const short = (id) => id.split('-').at(-1)
    const running = new Set(jobs.map(short))
    for (;;) {
      for (const job of await this.list()) if (job.dateFinished) running.delete(short(job.jobId))
      if (!running.size) break
      await pause(1000)
    }
    const bytes = Math.max(0, peakBytes() - before)
    return { seconds: now() - began, cpu: cpuSeconds() - cpu, threads: 1, bytes }
  }

  async download({ how, folder, job_id: id }) {
    this.url = how
    const index = await this.indexOf(this.wallets[0], id, 'output')
    const [before, began, cpu] = [process.memoryUsage.rss(), now(), cpuSeconds()]
    const file = fs.createWriteStream(path.join(folder, 'outputs.tar'))
    const chunks = await this.provider.getComputeResult(how, this.wallets[0], id, index)
    for await (const chunk of chunks) if (!file.write(chunk)) await once(file, 'drain')
    file.end()
    await once(file, 'close')
    return {
      seconds: now() - began,
      cpu: cpuSeconds() - cpu,
      written: file.bytesWritten,
      peak: peakBytes(),
      above: peakBytes() - before
    }
  }
}

const driver = new Driver()
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: what, ...details } = JSON.parse(line)
  const answer = await driver[what](details)
  answers.write(JSON.stringify(answer) + '\n')
}
process.exit()
