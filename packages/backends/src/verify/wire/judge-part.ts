import { isFields } from '../../json/fields.ts'
import { checkPart } from './check-message.ts'
import { type Findings, show } from './findings.ts'

/** Notes what a part must not be, under the requirement that says it best. */
export function judgePart(part: unknown, findings: Findings): void {
  if (isFields(part) && part.type === 'finish') {
    findings.note('wire.no-finish-part', `A finish came among the parts: ${show(part)}`)
  } else if (isDelta(part) && part.text === '') {
    findings.note('wire.no-empty-delta', `A delta is empty: ${show(part)}`)
  } else if (isDelta(part) && typeof part.text === 'string' && !part.text.isWellFormed()) {
    findings.note('wire.whole-characters', `A delta holds half a character: ${show(part)}`)
  } else {
    const problem = checkPart(part)
    if (problem !== undefined) findings.note('wire.schema', `A part is wrong (${problem}): ${show(part)}`)
  }
}

function isDelta(part: unknown): part is Record<string, unknown> {
  return isFields(part) && (part.type === 'text-delta' || part.type === 'reasoning-delta')
}
