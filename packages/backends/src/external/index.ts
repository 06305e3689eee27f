export type { ExternalContext, ExternalDefinition } from './definition.ts'
export { healthLimit, ifThere, toAbsence, toHealth } from './health.ts'
export { createOpenChats, type OpenChat } from './open-chats.ts'
export { createMemoryProofs, createProofs, type Proofs, proofsIn, type Verdict } from './proofs.ts'
