import { type Embedding, isLmappError, LmappError } from 'lmapp-kit'
import type { BackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import type { ModelLibrary } from '../models/models.ts'
import { withReferences } from '../models/with-references.ts'
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
  { target, model }: Candidate,
  { input, signal, offline }: EmbedRequest,
): Promise<(Embedding & { model: string }) | LmappError> {
  const reference = `${target.id}/${model}`
  using _lease = target.lease()
  try {
    if (!target.backend.embed) throw cannot(reference)
    for await (const _status of target.type.prepare?.(target.definition, target.context, { signal, offline }) ?? []) {
      signal.throwIfAborted()
    }
    await target.backend.start({ signal })
    const embedding = await target.backend.embed({ model, input }, { signal })
    target.breaker.succeeded()
    return { ...embedding, model: reference }
  } catch (cause) {
    const error = toError(cause, signal, target.id)
    if (signal.aborted) target.breaker.neutral()
    else target.breaker.failed(error)
    return withReferences(error, target, model)
  }
}

function toError(cause: unknown, signal: AbortSignal, backend: string): LmappError {
  if (isLmappError(cause)) return cause
  if (signal.aborted) return new LmappError('cancelled', 'It was cancelled.', { cause })
  return new LmappError('engine-failed', `"${backend}" failed: ${String(cause)}`, { cause })
}

function cannot(reference: string | undefined): LmappError {
  return new LmappError('unsupported', `${reference ?? 'What is there'} makes no embeddings.`, {
    hint: 'Name a model that does: lmapp embed -m MODEL',
    details: { capability: 'embed' },
  })
}
