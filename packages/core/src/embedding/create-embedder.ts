import { type Embedding, isLmappError, LmappError } from 'lmapp-kit'
import type { BackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import type { ModelLibrary } from '../models/models.ts'
import { askCandidate } from '../routing/ask-candidate.ts'
import { type Listed, listModels } from '../routing/list-models.ts'
import { type Candidate, resolveCandidates } from '../routing/resolve.ts'

export interface EmbedderOptions {
  backends: BackendRegistry
  library: ModelLibrary
  config: () => Promise<Config>
}

export interface EmbedRequest {
  /** Model reference; absent: a model that is made for it, else the default one where it can. */
  model?: string
  input: string[]
  environment: Readonly<Record<string, string>>
  offline: boolean
  signal: AbortSignal
  /** Among whom a busy backend is shared out fairly. */
  client?: string
}

/** Turns texts into vectors, on the first candidate that can and does. */
export interface Embedder {
  /** Throws `bad-input`, `unsupported`, what resolving a reference throws, and what the last candidate said. */
  embed(request: EmbedRequest): Promise<Embedding & { model: string }>
}

export function createEmbedder(options: EmbedderOptions): Embedder {
  return {
    async embed(request) {
      assertInput(request.input)
      const candidates = await findCandidates(request, options)
      const failures: LmappError[] = []
      for (const candidate of candidates) {
        const result = await tryOne(candidate, request)
        if (!(result instanceof LmappError)) return result
        failures.push(result)
        if (request.signal.aborted || result.code === 'bad-input') throw result
      }
      throw failures[0] ?? cannot(request.model)
    },
  }
}

function assertInput(input: readonly string[]): void {
  if (input.length === 0) throw new LmappError('bad-input', 'There is nothing to embed.', { hint: 'Give a text' })
  const empty = input.findIndex((text) => text.trim() === '')
  if (empty < 0) return
  throw new LmappError('bad-input', `Text ${empty + 1} is empty.`, { hint: 'Leave it out', details: { index: empty } })
}

async function findCandidates(request: EmbedRequest, options: EmbedderOptions): Promise<Candidate[]> {
  const { model, environment, offline } = request
  const config = await options.config()
  if (model === undefined) {
    const made = await findMadeForIt(request, options)
    if (made) return [made]
  }
  const resolving = { ...options, config, environment, offline, allowFetch: false }
  return (await resolveCandidates(model, resolving)).candidates
}

/** A model that embeds and does not chat; one that is loaded before one that is not. */
async function findMadeForIt(
  { environment }: EmbedRequest,
  { backends }: EmbedderOptions,
): Promise<Candidate | undefined> {
  const targets = (await backends.list(environment)).filter(({ hidden, type }) => !hidden && !type.onlyWhenNamed)
  const listing = listModels(targets)
  return chooseMadeForIt(await listing.soon) ?? (listing.incomplete ? chooseMadeForIt(await listing.all()) : undefined)
}

function chooseMadeForIt(listed: readonly Listed[]): Candidate | undefined {
  const found = listed.flatMap(({ target, models }) =>
    models
      .filter(({ capabilities }) => capabilities?.embed === 'yes' && capabilities.chat === 'no')
      .map((model) => ({ target, model })),
  )
  const best = found.find(({ model }) => model.loaded) ?? found[0]
  return best && { target: best.target, model: best.model.id }
}

async function tryOne(
  candidate: Candidate,
  { input, signal, offline, client = '' }: EmbedRequest,
): Promise<(Embedding & { model: string }) | LmappError> {
  const { target, model } = candidate
  const reference = `${target.id}/${model}`
  if (!target.backend.embed) return cannot(reference)
  const embed = target.backend.embed.bind(target.backend)
  using _lease = target.lease()
  const entered = await target.admission.enter({ model, client, signal }).catch((error) => toRefusal(error, signal))
  if (entered instanceof LmappError) {
    target.breaker.neutral()
    return entered
  }
  using slot = entered
  const ask = () => {
    slot.started()
    return embed({ model, input }, { signal })
  }
  const result = await askCandidate(candidate, { ask, offline, signal })
  if (!(result instanceof LmappError)) {
    target.breaker.succeeded()
    return { ...result, model: reference }
  }
  if (signal.aborted) target.breaker.neutral()
  else target.breaker.failed(result)
  return result
}

function toRefusal(error: unknown, signal: AbortSignal): LmappError {
  if (isLmappError(error, 'busy')) return error
  if (signal.aborted) return new LmappError('cancelled', 'It was cancelled.', { cause: error })
  throw error
}

function cannot(reference: string | undefined): LmappError {
  return new LmappError('unsupported', `${reference ?? 'What is there'} makes no embeddings.`, {
    hint: 'Name a model that does: lmapp embed -m MODEL',
    details: { capability: 'embed' },
  })
}
