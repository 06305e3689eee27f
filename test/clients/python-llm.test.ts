import { toSubject } from './python/subjects.ts'
import { describeClient } from './support/describe-client.ts'

for (const name of ['llm', 'llmOllama'] as const) describeClient(toSubject(name))
