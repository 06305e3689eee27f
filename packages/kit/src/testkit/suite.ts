import type { Backend } from '../backend.ts'
import type { CapabilityName, Support } from '../capability.ts'
import { LmappError } from '../errors/lmapp-error.ts'
import { withDeadline } from './deadline.ts'
import { type BackendHarness, defaultPrompts, type ScenarioName, type Stimulus } from './harness.ts'
import { proofs } from './proofs/all-proofs.ts'
import { type Requirement, type RequirementId, requirements } from './requirements.ts'

export type Verdict =
  | { requirement: Requirement; outcome: 'passed' }
  | { requirement: Requirement; outcome: 'failed'; error: unknown }
  | { requirement: Requirement; outcome: 'skipped'; reason: string; error: unknown }
  | { requirement: Requirement; outcome: 'not-applicable'; reason: string }

type ProvenRequirement = Requirement & { id: RequirementId }

const defaultDeadlineMs = 60_000

/** Judges one backend, requirement by requirement. Owns the backends that it opens. */
export class Suite implements AsyncDisposable {
  readonly #harness: BackendHarness
  #shared: Backend | undefined

  /** Throws `bad-input` when a skip names no requirement. */
  constructor(harness: BackendHarness) {
    for (const { requirement } of harness.skip ?? []) {
      if (requirements.some(({ id }) => id === requirement)) continue
      throw new LmappError('bad-input', `The harness ${harness.name} skips "${requirement}", which is no requirement.`)
    }
    this.#harness = harness
  }

  async prove(requirement: ProvenRequirement): Promise<Verdict> {
    const verdict = await this.#judge(requirement)
    if (verdict.outcome === 'failed') await this.#discard()
    const skip = this.#harness.skip?.find((item) => item.requirement === requirement.id)
    if (skip === undefined || verdict.outcome === 'not-applicable') return verdict
    if (skip.reason.trim() === '') return failed(requirement, new Error('It is skipped without a reason.'))
    if (verdict.outcome === 'failed') {
      return { requirement, outcome: 'skipped', reason: skip.reason, error: verdict.error }
    }
    return failed(requirement, new Error('Skipped, but it passes: remove the skip.'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const shared = this.#shared
    this.#shared = undefined
    if (shared) await this.#dispose(shared)
  }

  async #judge(requirement: ProvenRequirement): Promise<Verdict> {
    const reason = missingStimulus(this.#harness, requirement.needs)
    if (reason !== undefined) return { requirement, outcome: 'not-applicable', reason }
    try {
      await using opened = new AsyncDisposableStack()
      return await this.#bounded(async (signal) => {
        const other = await this.#whyNotApplicable(requirement, signal)
        if (other !== undefined) return { requirement, outcome: 'not-applicable', reason: other }
        await this.#run(requirement, signal, opened)
        return { requirement, outcome: 'passed' }
      })
    } catch (error) {
      return failed(requirement, error)
    }
  }

  async #run(requirement: ProvenRequirement, signal: AbortSignal, opened: AsyncDisposableStack): Promise<void> {
    const open = async () => {
      const backend = await this.#harness.open()
      opened.defer(() => this.#dispose(backend))
      return backend
    }
    await proofs[requirement.id]({
      harness: this.#harness,
      prompts: { ...defaultPrompts, ...this.#harness.prompts },
      model: modelFor(this.#harness, requirement.capability) ?? this.#harness.model,
      backend: await this.#open(signal),
      open,
      signal,
    })
  }

  async #whyNotApplicable({ capability, without }: Requirement, signal: AbortSignal): Promise<string | undefined> {
    const name = capability ?? without
    if (name === undefined) return undefined
    const support = await this.#supportOf(name, capability && modelFor(this.#harness, capability), signal)
    if (support === (capability ? 'yes' : 'no')) return undefined
    return `${name} is ${support}`
  }

  /** What backend and model say together. `named`: the model that the harness names for it, which counts as a yes. */
  async #supportOf(name: CapabilityName, named: string | undefined, signal: AbortSignal): Promise<Support> {
    const backend = await this.#open(signal)
    const ofBackend = (await backend.getInfo({ signal })).capabilities[name] ?? 'no'
    if (ofBackend === 'no') return 'no'
    const model = named ?? this.#harness.model
    const listed = (await backend.listModels({ signal })).find(({ id }) => id === model)
    const shown = await backend.showModel?.(model, { signal })
    const ofModel = shown?.capabilities?.[name] ?? listed?.capabilities?.[name] ?? 'unknown'
    if (ofModel !== 'unknown') return ofModel
    if (named !== undefined) return 'yes'
    return modelCapabilities.includes(name) ? 'unknown' : ofBackend
  }

  async #open(signal: AbortSignal): Promise<Backend> {
    if (this.#shared === undefined) {
      const backend = await this.#harness.open()
      this.#shared = backend
      await backend.start({ signal })
    }
    return this.#shared
  }

  /** After a failure the next proof gets another backend, so that it fails only for reasons of its own. */
  async #discard(): Promise<void> {
    await this[Symbol.asyncDispose]().catch(() => {})
  }

  #dispose(backend: Backend): Promise<void> {
    return this.#bounded(async () => backend[Symbol.asyncDispose]())
  }

  #bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(this.#harness.deadlineMs ?? defaultDeadlineMs, work)
  }
}

/** Capabilities that one model has and another of the same engine has not. */
const modelCapabilities: readonly CapabilityName[] = ['tools', 'vision', 'reasoning', 'embed']

function failed(requirement: Requirement, error: unknown): Verdict {
  return { requirement, outcome: 'failed', error }
}

function modelFor(harness: BackendHarness, capability: CapabilityName | undefined): string | undefined {
  switch (capability) {
    case 'tools':
      return harness.toolModel
    case 'json-schema':
      return harness.schemaModel
    case 'vision':
      return harness.visionModel
    case 'reasoning':
      return harness.reasoningModel
    case 'embed':
      return harness.embedModel
    default:
      return undefined
  }
}

function missingStimulus(harness: BackendHarness, stimulus: Stimulus | undefined): string | undefined {
  if (stimulus === undefined) return undefined
  const given =
    stimulus === 'pullableModel' || stimulus === 'unsupportedSetting'
      ? harness[stimulus]
      : harness.scenarios?.[stimulus.slice('scenarios.'.length) as ScenarioName]
  return given === undefined ? `the harness has no ${stimulus}` : undefined
}
