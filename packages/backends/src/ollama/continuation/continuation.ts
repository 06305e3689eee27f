import type { ChatRequest, Part, Status } from 'lmapp-kit'
import type { Proofs } from '../../external/index.ts'
import type { Asked } from '../answer.ts'
import type { ModelDetails } from '../models.ts'
import type { Sender } from '../send.ts'
import { createChatRoad } from './chat-road.ts'
import { createRawRoad } from './raw-road.ts'
import { type Road, refusal } from './road.ts'
import { tryRoad } from './trial.ts'

/** Goes on with a partial answer, exactly, on the first road that was proved for this version, model and template. */
export interface Continuation {
  /** Says that it tries, when it does. Throws `unsupported` where it cannot be exact. */
  run(asked: Asked, signal: AbortSignal): AsyncGenerator<Part, void, undefined>
  /** As last found; undefined as long as nobody tried. */
  known(model: string): boolean | undefined
}

export function createContinuation(sender: Sender, proofs: Proofs): Continuation {
  const roads = [createRawRoad(sender), createChatRoad(sender)]
  const latest = new Map<string, boolean>()

  async function* isProved(road: Road, proving: Proving, signal: AbortSignal): AsyncGenerator<Status, boolean> {
    const { asked, digest, details } = proving
    const key = JSON.stringify(['ollama', road.name, asked.version, digest, details?.info.template])
    const known = await proofs.get(key)
    if (known !== undefined) return known === 'only-new'
    yield { type: 'status', phase: 'prompt', message: `trying whether ${asked.body.model} can go on with an answer` }
    const holds = yield* tryRoad(road, { sender, asked }, signal)
    // Without a digest nobody knows later whether it is still the same model.
    if (digest !== undefined) await proofs.set(key, holds ? 'only-new' : 'none')
    return holds
  }

  async function* findRoad(proving: Proving, signal: AbortSignal): AsyncGenerator<Status, Road | undefined> {
    for (const road of roads) {
      if (!road.mayLead(proving.details)) continue
      if (yield* isProved(road, proving, signal)) return road
    }
    return undefined
  }

  return {
    async *run(asked, signal) {
      const { request, body } = asked
      const details = await sender.catalogue.details(body.model, { signal })
      assertContinuable(request, details)
      const listed = await sender.catalogue.list({ signal })
      const digest = listed.find(({ id }) => id === body.model)?.digest
      const road = yield* findRoad({ asked, details, digest }, signal)
      latest.set(body.model, road !== undefined)
      if (!road) throw refusal(request.model, 'exactly where it broke off')
      yield* road.go(asked, signal)
    },
    known: (model) => latest.get(model),
  }
}

interface Proving {
  asked: Asked
  digest: string | undefined
  details: ModelDetails | undefined
}

function assertContinuable({ model, messages, ...request }: ChatRequest, details: ModelDetails | undefined): void {
  const { schema, tools = [], toolChoice } = request
  if (schema) throw refusal(model, 'under a JSON schema')
  const offersTools = tools.length > 0 && toolChoice !== 'none'
  const calls = messages.at(-1)?.content.some(({ type }) => type === 'tool-call')
  if (offersTools || calls) throw refusal(model, 'with tools')
  if (messages.some(({ content }) => content.some(({ type }) => type === 'image'))) throw refusal(model, 'to images')
  // What a model thinks stands before its answer, and is not at hand.
  if (details?.info.capabilities?.reasoning === 'yes') throw refusal(model, 'after thoughts')
  if (messages.at(-2)?.role === 'assistant') throw refusal(model, 'that follows another one')
}
