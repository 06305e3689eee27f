export { parseTranscript } from './parse-transcript.ts'
export { type ProcessOptions, playOnProcess } from './play-on-process.ts'
export { type Peer, type PlayOptions, playTranscript } from './play-transcript.ts'
export type { JsonObject, Step, StepOf, Transcript } from './transcript.ts'
