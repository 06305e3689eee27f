import { openaiChat } from './node/openai-chat.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(openaiChat)
