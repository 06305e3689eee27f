import { pythonSubject } from './python/subjects.ts'
import { describeClients } from './support/describe-clients.ts'

describeClients((['openai', 'responses', 'anthropic', 'ollama'] as const).map(pythonSubject))
