import { vercelOllama, vercelOpenai } from './node/vercel-ai.ts'
import { describeClient } from './support/describe-client.ts'

for (const subject of [vercelOpenai, vercelOllama]) describeClient(subject)
