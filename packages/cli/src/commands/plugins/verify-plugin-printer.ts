import { describeFailure, type PluginVerdict, pluginRequirements } from '@lmapp/backends/verify'
import { isLmappError } from 'lmapp-kit'
import type { Output } from '../../output/output.ts'
import { toOneLine } from '../../output/sanitize.ts'

export interface VerdictPrinter {
  show(verdict: PluginVerdict): Promise<void>
  /** The summary. */
  end(): Promise<void>
  readonly failed: number
}

/** For people one line each, and the reason of a failure below it; with `asJson` one object a line. */
export function createVerdictPrinter(stdout: Output, asJson: boolean): VerdictPrinter {
  const counts: Record<PluginVerdict['outcome'], number> = { passed: 0, failed: 0, skipped: 0, 'not-applicable': 0 }
  const writeJson = (value: unknown) => stdout.write(`${JSON.stringify(value)}\n`)
  return {
    async show(verdict) {
      counts[verdict.outcome] += 1
      await (asJson ? writeJson(toJson(verdict)) : stdout.write(toLines(verdict, stdout)))
    },
    async end() {
      const { passed, failed, skipped, 'not-applicable': notApplicable } = counts
      if (asJson) return writeJson({ type: 'summary', passed, failed, skipped, notApplicable })
      await stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped, ${notApplicable} not applicable.\n`)
    },
    get failed() {
      return counts.failed
    },
  }
}

const marks = {
  passed: ['ok', 'green'],
  failed: ['FAIL', 'red'],
  skipped: ['skip', 'yellow'],
  'not-applicable': ['-', 'dim'],
} as const

const idWidth = Math.max(...pluginRequirements.map(({ id }) => id.length))

function toLines(verdict: PluginVerdict, { style }: Output): string {
  const { requirement, outcome } = verdict
  const [mark, color] = marks[outcome]
  const line = `${style(color, mark.padEnd(4))} ${requirement.id.padEnd(idWidth)}  ${requirement.title}`
  if (outcome === 'failed') return `${line}\n     ${toOneLine(describeFailure(verdict.error))}\n`
  if (outcome === 'passed') return `${line}\n`
  return `${line} ${style('dim', `(${toOneLine(verdict.reason)})`)}\n`
}

function toJson(verdict: PluginVerdict): Record<string, unknown> {
  const { requirement, outcome } = verdict
  return {
    requirement: requirement.id,
    title: requirement.title,
    outcome,
    ...('reason' in verdict && { reason: verdict.reason }),
    ...('error' in verdict && { error: toErrorData(verdict.error) }),
  }
}

function toErrorData(error: unknown): { code?: string; message: string } {
  return isLmappError(error) ? { code: error.code, message: error.message } : { message: describeFailure(error) }
}
