export { type AnswerCheck, compileSchema, findMismatches } from './compile-schema.ts'
export { findJson } from './find-json.ts'
export { toCorrection, withSchemaInstruction } from './instructions.ts'
