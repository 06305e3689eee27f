import { openaiCompletions } from './node/openai-completions.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(openaiCompletions)
