export { type Continuation, createContinuation } from './continuation.ts'
