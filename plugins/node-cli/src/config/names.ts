import type { ChatOptions, ErrorCode } from 'lmapp-kit'

/** The settings of lmapp that a program may have arguments for. */
export const optionNames = [
  'temperature',
  'topP',
  'topK',
  'minP',
  'repeatPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'maxTokens',
  'stop',
  'contextLength',
] as const satisfies readonly (keyof ChatOptions)[]

/** What a program can say of itself before its answer. */
export const programErrorCodes = [
  'unauthorized',
  'forbidden',
  'rate-limited',
  'busy',
  'context-overflow',
  'model-not-found',
  'model-load-failed',
  'model-too-large',
  'backend-unreachable',
  'backend-refused',
  'content-filtered',
] as const satisfies readonly ErrorCode[]
