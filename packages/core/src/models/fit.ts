import { estimateMemory, largestContext } from 'lmapp-kit/gguf'
import type { KnownModel, ModelFit } from './models.ts'

/** Context without which a chat makes no sense, in tokens. */
const leastContext = 2048

/**
 * Whether a model file and its context fit the memory that is free, in bytes. Undefined where the file does not say
 * enough about itself, unless it is too large by itself.
 */
export function fitModel(
  model: Pick<KnownModel, 'memory' | 'sizeBytes' | 'contextLength'>,
  freeBytes: number,
): ModelFit | undefined {
  const { sizeBytes, memory = {}, contextLength: trained = leastContext } = model
  if (sizeBytes === undefined) return undefined
  const fields = { ...memory, sizeBytes }
  const least = Math.min(trained, leastContext)
  const needs = (contextLength: number) => estimateMemory({ ...fields, contextLength })?.totalBytes
  const [wholeBytes, leastBytes] = [needs(trained), needs(least)]
  if (wholeBytes === undefined || leastBytes === undefined) {
    if (sizeBytes <= freeBytes) return undefined
    return { state: 'too-large', neededBytes: sizeBytes, freeBytes, contextLength: 0 }
  }
  if (leastBytes > freeBytes) return { state: 'too-large', neededBytes: leastBytes, freeBytes, contextLength: least }
  const longest = Math.min(trained, largestContext(fields, freeBytes) ?? least)
  const state = wholeBytes <= freeBytes ? 'fits' : 'tight'
  return { state, neededBytes: wholeBytes, freeBytes, contextLength: trained, longestContext: Math.max(least, longest) }
}
