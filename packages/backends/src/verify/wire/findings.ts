import type { LineRequirementId } from '../requirements.ts'

/** What was seen on any line of this run that a requirement forbids, whoever looked for it or not. */
export interface Findings {
  note(requirement: LineRequirementId, problem: string): void
  of(requirement: LineRequirementId): readonly string[]
}

/** So many are kept of each kind: one is enough to fail. */
const kept = 20

export function createFindings(): Findings {
  const found = new Map<LineRequirementId, string[]>()
  return {
    note(requirement, problem) {
      const problems = found.get(requirement) ?? []
      if (problems.length < kept) found.set(requirement, [...problems, problem])
    },
    of: (requirement) => found.get(requirement) ?? [],
  }
}

const shownCharacters = 200

/** A value as a person reads it in a sentence, cut. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}
