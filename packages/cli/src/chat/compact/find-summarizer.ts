import type { ApiModel, LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import type { ChatTurns, TurnsRead } from '../interactive/chat-turns.ts'

/** Who writes the summary: one model, for another may have less room. */
export interface Summarizer {
  /** Undefined: the default one. */
  model: string | undefined
  /** In tokens; a careful one where nobody knows it. */
  contextLength: number
}

const carefulContext = 2048

/** The model that answered last. Its context is what an engine said in this conversation, else what it was made for. */
export async function findSummarizer(turns: ChatTurns, { messages }: TurnsRead): Promise<Summarizer> {
  const client = await turns.client()
  const reference = turns.model
  const model = reference === undefined ? undefined : ((await client.resolveModel(reference)).refs[0] ?? reference)
  const known = saidContext(messages, model) ?? (model === undefined ? undefined : await madeFor(client, model))
  const wanted = turns.options.contextLength ?? Number.POSITIVE_INFINITY
  const contextLength = Math.min(wanted, known ?? Number.POSITIVE_INFINITY)
  return { model, contextLength: Number.isFinite(contextLength) ? contextLength : carefulContext }
}

function saidContext(messages: TurnsRead['messages'], model: string | undefined): number | undefined {
  const all = messages.flatMap(({ model: by, usage, error }) => {
    const said = error?.details?.contextLength ?? usage?.contextLength
    return by === model && typeof said === 'number' && said > 0 ? [said] : []
  })
  return all.at(-1)
}

/** A server that lists no models may answer all the same. */
async function madeFor(client: LmappClient, model: string): Promise<number | undefined> {
  try {
    const { contextLength, fit }: ApiModel = await client.showModel(model)
    const longest = Math.min(contextLength ?? Number.POSITIVE_INFINITY, fit?.longestContext ?? Number.POSITIVE_INFINITY)
    return Number.isFinite(longest) ? longest : undefined
  } catch (error) {
    if (!isLmappError(error) || error.code === 'service-unavailable') throw error
    return undefined
  }
}
