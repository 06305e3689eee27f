export { type Breaker, type BreakerState, createBreaker } from './breaker.ts'
export { type Candidate, listAll, type Resolution, type ResolveOptions, resolveCandidates } from './resolve.ts'
