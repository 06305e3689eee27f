import { pythonSubject } from './python/subjects.ts'
import { describeClients } from './support/describe-clients.ts'

const names = ['llm', 'llmOllama', 'litellmOpenai', 'litellmAnthropic', 'litellmOllama'] as const
describeClients(names.map(pythonSubject))
