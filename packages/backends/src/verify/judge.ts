import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type HelloParams, inlineLimitBytes, interfaceVersion, type Manifest, maxLineBytes } from 'lmapp-kit'
import type { Prompts } from 'lmapp-kit/testkit'
import { isFields } from '../json/fields.ts'
import type { SubprocessTimeouts } from '../plugins/index.ts'
import { createEngineLog, spawnChild, toChildEnvironment } from '../processes/index.ts'
import type { RunningProcesses } from './running-processes.ts'
import type { VerifySettings } from './settings.ts'
import { findUsual, type Usual } from './usual.ts'
import { resultOf } from './wire/answers.ts'
import type { Findings } from './wire/findings.ts'
import { within } from './wire/wait.ts'
import { createWire, type Wire } from './wire/wire.ts'

export interface JudgeOptions {
  manifest: Manifest
  directory: string
  settings: VerifySettings
  prompts: Prompts
  timeouts: SubprocessTimeouts
  environment: Readonly<Record<string, string | undefined>>
  execPath: string
  programs: Readonly<Record<string, string>>
  /** For the plugin's data, the exchange and the log; removed by whoever made it. */
  folder: string
  findings: Findings
  processes: RunningProcesses
}

/** Shows that a plugin has a behaviour, or throws. */
export type Proof = (judge: Judge) => Promise<void>

/** What the proofs over the line work with. Disposing it ends its processes. */
export class Judge implements AsyncDisposable {
  readonly options: JudgeOptions
  readonly manifest: Manifest
  readonly timeouts: SubprocessTimeouts
  readonly prompts: Prompts
  readonly findings: Findings
  /** Milliseconds for one answer. */
  readonly chatMs: number
  /** What must be found nowhere. */
  readonly secrets: readonly string[]
  readonly logFile: string
  /** Why nothing more can be judged, once that is so. */
  unusable: string | undefined
  readonly #canary = `canary-${randomUUID()}`
  readonly #own: Wire[] = []
  readonly #greetings = new WeakMap<Wire, Greeting>()
  #shared: Promise<Wire> | undefined
  #usual: Promise<Usual> | undefined
  #model: string | undefined
  #opened = 0
  #isOver = false

  constructor(options: JudgeOptions) {
    this.options = options
    this.manifest = options.manifest
    this.timeouts = options.timeouts
    this.prompts = options.prompts
    this.findings = options.findings
    this.chatMs = options.settings.deadlineMs ?? 60_000
    this.logFile = join(options.folder, 'wire.log')
    this.secrets = [this.#canary, ...Object.values(options.settings.secrets ?? {})].filter((text) => text.length >= 8)
  }

  /** Started, shared with other proofs, which leave it as it was. */
  async wire(): Promise<Wire> {
    const shared = await this.#shared?.catch(() => undefined)
    if (shared?.isOpen) return shared
    this.#shared = this.openStarted({ isShared: true })
    try {
      return await this.#shared
    } catch (error) {
      this.unusable ??= 'it does not start'
      throw error
    }
  }

  /** A process of its own to which nothing was said, by default with a folder of its own. Disposed of after the proof. */
  async open({ isShared = false, dataDir = this.#newDataDir() }: OpenOptions = {}): Promise<Wire> {
    if (this.#isOver) throw new Error('The judge has closed.')
    const { manifest, directory, environment, execPath, programs, findings, processes } = this.options
    const child = await spawnChild({
      ...{ directory, execPath, programs, execArgv: [] },
      command: manifest.command ?? [],
      environment: toChildEnvironment(environment),
      log: createEngineLog({ file: this.logFile, maxBytes: 64 * 1024 * 1024 }),
      records: processes.records,
    })
    const nonce = processes.nonceOf(child.pid)
    const wire = createWire({ child, nonce, dataDir, findings, secrets: this.secrets })
    if (!isShared) this.#own.push(wire)
    return wire
  }

  async openStarted(options: OpenOptions = {}): Promise<Wire> {
    const wire = await this.open(options)
    try {
      await this.sayHello(wire)
      await this.start(wire)
      return wire
    } catch (error) {
      wire.kill()
      throw error
    }
  }

  /** Its result. `more` replaces members of the parameters. */
  async sayHello(wire: Wire, more: object = {}): Promise<Record<string, unknown>> {
    const hello = { ...(await this.toHello(wire)), ...more }
    const { answer } = wire.ask('hello', hello)
    const result = resultOf(await within(this.timeouts.helloMs, answer, 'answer to hello'), 'hello')
    assert.ok(isFields(result), 'The result of hello is no object.')
    this.#greetings.set(wire, { hello, result })
    return result
  }

  /** What was said to it first, and what it answered. */
  greetingOf(wire: Wire): Greeting {
    return this.#greetings.get(wire) ?? assert.fail('It was not greeted.')
  }

  async toHello({ dataDir }: Wire): Promise<HelloParams> {
    const { settings } = this.options
    const exchangeDir = join(dataDir, 'exchange')
    await mkdir(exchangeDir, { recursive: true, mode: 0o700 })
    return {
      interfaceVersions: [interfaceVersion],
      nonce: randomUUID(),
      config: settings.config ?? {},
      secrets: { ...settings.secrets, lmappVerify: this.#canary },
      limits: { maxLineBytes, inlineLimitBytes, cancelDeadlineMs: this.timeouts.cancelMs },
      dataDir,
      exchangeDir,
    }
  }

  async start(wire: Wire): Promise<void> {
    resultOf(await within(this.timeouts.workMs, wire.ask('start').answer, 'answer to start'), 'start')
  }

  /** What a chat over this line is like. A plugin that cannot do it cannot be judged further. */
  usual(): Promise<Usual> {
    this.#usual ??= findUsual(this).catch((error: unknown) => {
      this.unusable ??= 'no chat comes to its end'
      throw error
    })
    return this.#usual
  }

  /** The model to ask. */
  async model(): Promise<string> {
    this.#model ??= this.options.settings.model ?? (await this.#firstModel())
    return this.#model
  }

  /** So long that a part which must not come would have come. */
  async quiet(): Promise<void> {
    const { firstPartMs } = await this.usual()
    await delay(Math.min(Math.max(leastQuietMs, firstPartMs * 2), mostQuietMs))
  }

  /** Ends what one proof opened. After a failure the next proof gets another process, too. */
  async endProof(failed: boolean): Promise<void> {
    for (const wire of this.#own.splice(0)) await wire[Symbol.asyncDispose]()
    if (failed) await this.renew()
  }

  /** The next one who asks for the shared process gets another. */
  async renew(): Promise<void> {
    const shared = await this.#shared?.catch(() => undefined)
    this.#shared = undefined
    await shared?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.endProof(true)
  }

  #newDataDir(): string {
    return join(this.options.folder, `wire-${++this.#opened}`)
  }

  async #firstModel(): Promise<string> {
    const wire = await this.wire()
    const answer = await within(this.timeouts.callMs, wire.ask('list_models').answer, 'answer to list_models')
    const result = resultOf(answer, 'list_models')
    const [first] = isFields(result) && Array.isArray(result.models) ? result.models : []
    const id = isFields(first) && typeof first.id === 'string' ? first.id : undefined
    if (id === undefined) this.unusable ??= 'it lists no model'
    return id ?? assert.fail('It lists no model to ask. Name one in lmapp-verify.json, or by --model.')
  }
}

export interface Greeting {
  hello: HelloParams
  result: Record<string, unknown>
}

interface OpenOptions {
  /** It is the one that proofs share. */
  isShared?: boolean
  dataDir?: string
}

const leastQuietMs = 100
const mostQuietMs = 5000
