import { anthropic } from './node/anthropic.ts'
import { describeClient } from './support/describe-client.ts'

describeClient(anthropic)
