import { toSubject } from './python/subjects.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(toSubject('anthropic'))
