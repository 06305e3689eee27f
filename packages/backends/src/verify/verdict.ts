import { AssertionError } from 'node:assert'
import type { PluginRequirement } from './requirements.ts'

/** What was found of one requirement. */
export type PluginVerdict =
  | { requirement: PluginRequirement; outcome: 'passed' }
  | { requirement: PluginRequirement; outcome: 'failed'; error: unknown }
  | { requirement: PluginRequirement; outcome: 'skipped'; reason: string; error: unknown }
  | { requirement: PluginRequirement; outcome: 'not-applicable'; reason: string }

/** Why a requirement does not hold, in words. */
export function describeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  // Node puts both values below the words of an assertion, which say them already.
  const isWorded = error instanceof AssertionError && !error.generatedMessage
  return (isWorded ? message.replace(/\n(\n|\+ actual - expected\n)[\s\S]*/, '') : message).trim()
}
