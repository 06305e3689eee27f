import { anthropic } from './node/anthropic.ts'
import { ollama } from './node/ollama.ts'
import { openaiChat } from './node/openai-chat.ts'
import { openaiCompletions } from './node/openai-completions.ts'
import { openaiResponses } from './node/openai-responses.ts'
import { describeClients } from './support/describe-clients.ts'

describeClients([openaiChat, openaiResponses, openaiCompletions, anthropic, ollama])
