import { langchainAnthropic, langchainOllama, langchainOpenai } from './node/langchain.ts'
import { describeClient } from './support/describe-client.ts'

for (const subject of [langchainOpenai, langchainAnthropic, langchainOllama]) describeClient(subject)
