import { openaiResponses } from './node/openai-responses.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(openaiResponses)
