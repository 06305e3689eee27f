import { errorTable } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'
import type { Check } from '../doctor/check.ts'
import { checkConfig, checkDisk, checkPip, checkPlaces } from '../doctor/check-machine.ts'
import { checkModelFiles } from '../doctor/check-models.ts'
import { checkService } from '../doctor/check-service.ts'
import type { Output } from '../output/output.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine } from '../output/sanitize.ts'
import type { StyleName } from '../output/style.ts'
import { wrap } from '../output/table.ts'
import { findPlaces } from '../service/service-places.ts'
import { version } from '../version.ts'

/** Exits with what a question would exit with: 0, or the code of the first problem. */
export async function doctor(context: CommandContext, args: Arguments): Promise<number> {
  const places = findPlaces(context.environment)
  // Side by side: none waits for another.
  const found = await Promise.all([
    checkPlaces(places),
    checkConfig(places),
    checkDisk(places),
    checkPip(context.environment),
    checkModelFiles(context.environment, places),
    checkService(context),
  ])
  const checks: Check[] = found.flat()
  const first = checks.find(({ state }) => state === 'problem')
  if (args.has('json')) {
    const { platform } = context
    await printJson(context.stdout, { ok: first === undefined, version, node: process.versions.node, platform, checks })
  } else {
    for (const check of checks) await printCheck(context.stdout, check)
    await context.stdout.write(first ? '\nSomething is wrong.\n' : '\nlmapp can work here.\n')
  }
  return first?.code ? errorTable[first.code].exit : 0
}

const marks: Record<Check['state'], readonly [string, StyleName]> = {
  ok: ['ok', 'green'],
  note: ['note', 'dim'],
  warning: ['warning', 'yellow'],
  problem: ['problem', 'red'],
}

async function printCheck({ write, style, columns }: Output, { name, state, message, mend }: Check): Promise<void> {
  const [word, color] = marks[state]
  const indent = ' '.repeat(9)
  const lines = wrap(`${name}: ${toOneLine(message)}`, columns - indent.length)
  const mending = mend ? wrap(`→ ${toOneLine(mend)}`, columns - indent.length) : []
  await write([`${style(color, word.padEnd(9))}${lines[0]}`, ...lines.slice(1).map((line) => indent + line)].join('\n'))
  await write(`\n${mending.map((line) => `${indent}${line}\n`).join('')}`)
}
