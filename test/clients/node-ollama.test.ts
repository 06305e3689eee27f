import { ollama } from './node/ollama.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(ollama)
