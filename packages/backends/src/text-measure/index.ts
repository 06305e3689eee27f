export { checkPromptWasRead, fewestTokens, mostTokens, withUsefulHint } from './prompt-estimate.ts'
