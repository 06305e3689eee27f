export { listType, quantizations, tensorTypes, textType, valueBytes } from './gguf-types.ts'
export {
  estimateMemory,
  largestContext,
  type MemoryEstimate,
  type MemoryFields,
  type MemoryQuestion,
} from './memory-estimate.ts'
