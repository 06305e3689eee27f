import { langchainAnthropic, langchainOllama, langchainOpenai } from './node/langchain.ts'
import { vercelOllama, vercelOpenai } from './node/vercel-ai.ts'
import { describeClients } from './support/describe-clients.ts'

describeClients([vercelOpenai, vercelOllama, langchainOpenai, langchainAnthropic, langchainOllama])
