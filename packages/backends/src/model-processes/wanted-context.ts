import { stat } from 'node:fs/promises'
import type { Backend, ChatRequest } from 'lmapp-kit'
import { mostTokens } from '../text-measure/index.ts'
import type { ModelFile } from './model-file.ts'
import type { AcquireOptions } from './model-process.ts'

/** Tokens of a context that nobody asked for. */
const usualContext = 8192
/** Tokens for an answer that nobody limited: before a process is started, and where one runs. */
const usualAnswer = 1024
const leastAnswer = 256

type Counting = Pick<Backend, 'countTokens'>
type Wanted = Pick<AcquireOptions<{ backend: Counting; modelName: string }>, 'contextLength' | 'exactly' | 'isEnough'>

/** Where nobody says how long the prompt is. `fixed`: what the user set for all chats. */
export function usuallyWanted(file: ModelFile, fixed: number | undefined, tokens = 0): Wanted {
  if (fixed !== undefined) return { contextLength: fixed, exactly: true }
  return { contextLength: Math.min(trainedFor(file), Math.max(usualContext, tokens)) }
}

/**
 * The context for a chat: what it asks for, else enough for its prompt and an answer, by a generous estimate. A running
 * process, which counts exactly, is asked whether less will do.
 */
export function wantedBy(request: ChatRequest, file: ModelFile, fixed: number | undefined): Wanted {
  const { contextLength, maxTokens } = request.options ?? {}
  if (fixed !== undefined) return usuallyWanted(file, fixed)
  if (contextLength !== undefined) return { contextLength: Math.min(trainedFor(file), contextLength), exactly: true }
  return {
    ...usuallyWanted(file, fixed, mostTokens(request) + (maxTokens ?? usualAnswer)),
    async isEnough({ backend, modelName }, plan) {
      const { messages, tools = [], toolChoice } = request
      const given = tools.length > 0 && toolChoice !== 'none' ? { tools } : {}
      const counted = await backend.countTokens?.({ model: modelName, messages, ...given }).catch(() => undefined)
      return counted !== undefined && counted.tokens + (maxTokens ?? leastAnswer) <= plan.contextLength
    },
  }
}

/** The most that it may have, in tokens. */
export function trainedFor({ contextLength }: ModelFile): number {
  return contextLength ?? Number.POSITIVE_INFINITY
}

/** A file that cannot be looked at is one that the engine will speak of. */
export async function withSize(file: ModelFile): Promise<ModelFile> {
  if (file.sizeBytes !== undefined) return file
  const found = await stat(file.path).catch(() => undefined)
  return found ? { ...file, sizeBytes: found.size } : file
}
