import { known, type SuiteName } from './known.ts'

/** What a kit said of each of its tests. No errors: it passed. */
export interface Suite {
  name: SuiteName
  tests: { id: string; errors: string[] }[]
}

export interface Judged {
  name: SuiteName
  /** Tests that found nothing, or nothing but what we do on purpose. */
  passed: number
  failed: number
  /** How many of those that passed found something that we do on purpose. */
  deviating: number
  deviations: { reason: string; tests: number }[]
  findings: Suite['tests']
}

/** Splits what was found into what is known, with its reason, and what is a failure. */
export function judge({ name, tests }: Suite): Judged {
  const mine = known.filter((each) => each.suite === name)
  const isKnown = (id: string, error: string) => mine.some((each) => each.tests.test(id) && each.error.test(error))
  const findings = tests.flatMap(({ id, errors }) => {
    const unknown = errors.filter((error) => !isKnown(id, error))
    return unknown.length > 0 ? [{ id, errors: unknown }] : []
  })
  const deviations = mine.map((each) => {
    const found = tests.filter(
      ({ id, errors }) => each.tests.test(id) && errors.some((error) => each.error.test(error)),
    )
    return { reason: each.reason, tests: found.length }
  })
  const gone = deviations.filter((each) => each.tests === 0)
  for (const { reason } of gone) findings.push({ id: 'known.ts', errors: [`It is so no more, take it out: ${reason}`] })
  if (tests.length === 0) findings.push({ id: name, errors: ['It tested nothing.'] })
  const failing = new Set(findings.map(({ id }) => id))
  const deviating = tests.filter(({ id, errors }) => errors.length > 0 && !failing.has(id)).length
  const passed = tests.filter(({ id }) => !failing.has(id)).length
  return { name, passed, failed: failing.size, deviating, deviations, findings }
}
