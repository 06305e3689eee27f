export { checkPromptWasRead, fewestTokens, mostTokens, withUsefulHint } from './prompt-estimate.ts'
export { measureText } from './text-measure.ts'
