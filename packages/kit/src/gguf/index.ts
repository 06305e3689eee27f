export { listType, quantizations, tensorTypes, textType, valueBytes } from './gguf-types.ts'
