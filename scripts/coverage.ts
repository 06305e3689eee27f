/**
 * Lines of the sources that ran, over all processes of a test run: those of the runner and every child.
 * Node writes one file for each process that ends (NODE_V8_COVERAGE); because types are stripped in place, their
 * offsets are those of the sources. A line counts when something of it remains besides types, comments and brackets.
 */
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Exclusion {
  file: string
  /** Name of the function that only another platform runs; absent: the whole file. */
  function?: string
  reason: string
}

interface V8Function {
  functionName: string
  ranges: { startOffset: number; endOffset: number; count: number }[]
}

interface FileCoverage {
  file: string
  lines: number
  covered: number
  missing: number[]
}

export interface CoverageReport {
  files: FileCoverage[]
  excluded: Exclusion[]
}

/** `folder`: where Node wrote; `patterns`: globs of the sources, from the root of the checkout. */
export function readCoverage(folder: string, patterns: string[]): CoverageReport {
  const excluded: Exclusion[] = JSON.parse(readFileSync(`${root}scripts/coverage-exclusions.json`, 'utf8'))
  const files = globSync(patterns, { cwd: root }).filter((file) => !/\.test\.ts$|\/fixtures\/|\/testing\//.test(file))
  const runs = readRuns(folder)
  const report = files.sort().flatMap((file) => {
    const own = excluded.filter((exclusion) => exclusion.file === file)
    if (own.some((exclusion) => exclusion.function === undefined)) return []
    return [coverFile(file, runs.get(pathToFileURL(root + file).href) ?? [], own)]
  })
  return { files: report.filter(({ lines }) => lines > 0), excluded }
}

/** By URL: what each process says of the script. */
function readRuns(folder: string): Map<string, V8Function[][]> {
  const runs = new Map<string, V8Function[][]>()
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith('coverage-'))) {
    for (const { url, functions } of parseRun(`${folder}/${name}`)) {
      if (!url.startsWith('file:')) continue
      const plain = url.replace(/[?#].*$/, '')
      runs.set(plain, [...(runs.get(plain) ?? []), functions])
    }
  }
  return runs
}

/** A process that was killed while it wrote leaves half a file: it counts for nothing. */
function parseRun(file: string): { url: string; functions: V8Function[] }[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).result
  } catch {
    return []
  }
}

function coverFile(file: string, runs: V8Function[][], exclusions: Exclusion[]): FileCoverage {
  const source = stripTypeScriptTypes(readFileSync(root + file, 'utf8'))
  const ran = new Uint8Array(source.length)
  const left = new Uint8Array(source.length)
  const names = new Set(exclusions.map((exclusion) => exclusion.function))
  for (const functions of runs) {
    const once = new Uint8Array(source.length)
    for (const { functionName, ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) once.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      const [whole] = ranges
      if (whole && names.has(functionName)) left.fill(1, whole.startOffset, whole.endOffset)
    }
    for (let offset = 0; offset < ran.length; offset++) ran[offset] ||= once[offset] ?? 0
  }
  return { file, ...countLines(source, ran, left) }
}

function countLines(source: string, ran: Uint8Array, left: Uint8Array): Omit<FileCoverage, 'file'> {
  const missing: number[] = []
  let lines = 0
  let offset = 0
  for (const [index, line] of blankComments(source).split('\n').entries()) {
    const words = [...line.matchAll(/[\w$]/g)].map((match) => offset + match.index)
    offset += line.length + 1
    if (words.length === 0 || words.every((place) => left[place])) continue
    lines += 1
    if (!words.some((place) => ran[place])) missing.push(index + 1)
  }
  return { lines, covered: lines - missing.length, missing }
}

/** Comments that fill whole lines become spaces, so that offsets stay. */
function blankComments(source: string): string {
  return source.replace(/^[ \t]*(\/\/.*|\/\*[\s\S]*?\*\/[ \t]*)$/gm, (comment) => comment.replace(/[^\n]/g, ' '))
}
