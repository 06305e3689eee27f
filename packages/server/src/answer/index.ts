export { type Answer, type AnswerOptions, type FieldNames, type GoodEnd, openAnswer, toGoodEnd } from './answer.ts'
export type { Ask } from './ask.ts'
export { type CollectedAnswer, collectAnswer, eachEvent } from './collect-answer.ts'
export { type AnswerEncoder, streamAnswer } from './stream-answer.ts'
