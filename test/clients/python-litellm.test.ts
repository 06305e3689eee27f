import { toSubject } from './python/subjects.ts'
import { describeClient } from './support/describe-client.ts'

for (const name of ['litellmOpenai', 'litellmAnthropic', 'litellmOllama'] as const) describeClient(toSubject(name))
