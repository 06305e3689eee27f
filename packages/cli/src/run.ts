import { isLmappError, LmappError } from 'lmapp-kit'
import { type ParsedCommandLine, parseCommandLine } from './arguments/parse-arguments.ts'
import type { CommandContext } from './context.ts'
import { openInput } from './input/input.ts'
import { createOutput, type Output } from './output/output.ts'
import { printError, printNotice, reportFailure } from './output/print-error.ts'
import { createStyle, wantsColors } from './output/style.ts'
import { openSignals } from './signals.ts'
import { version } from './version.ts'

/** Runs one command line in this process; resolves with the exit code when everything is written. */
export async function run(argv: readonly string[]): Promise<number> {
  const context = openContext(argv)
  process.on('uncaughtException', (error) => {
    void reportFailure(context.stderr, error, context.environment).then(process.exit)
  })
  const code = await runCommand(context, argv)
  await context.stdout.flush()
  const failed = await reportOutputFailure(context, code)
  await context.stderr.flush()
  return failed
}

/** Parses the command line and runs its command. Never rejects. */
export async function runCommand(context: CommandContext, argv: readonly string[]): Promise<number> {
  try {
    const parsed = parseCommandLine(argv)
    if (parsed.args.has('version')) return await printVersion(context)
    if (parsed.args.has('help')) return await printHelp(context, parsed)
    const command = await parsed.command.load?.()
    return command ? await command(context, parsed.args) : 0
  } catch (error) {
    if (context.stdout.failure && isLmappError(error)) return error.entry.exit
    return reportFailure(context.stderr, error, context.environment)
  }
}

function openContext(argv: readonly string[]): CommandContext {
  const flag = colorFlag(argv)
  const environment = process.env
  const open = (stream: NodeJS.WriteStream): Output => {
    const colors = wantsColors({ environment, isTerminal: stream.isTTY === true, flag })
    return createOutput(stream, { style: createStyle(colors), dumb: environment.TERM === 'dumb' })
  }
  const stderr = open(process.stderr)
  return {
    environment,
    directory: process.cwd(),
    platform: process.platform,
    stdin: openInput(),
    stdout: open(process.stdout),
    stderr,
    signals: openSignals(),
    async connect(options) {
      const { connect } = await import('./service/connect.ts')
      return connect({ ...options, environment, onNotice: (message) => void printNotice(stderr, message) })
    },
  }
}

/** Looked for before the command line is parsed, so that what is wrong with it has its colours too. */
function colorFlag(argv: readonly string[]): boolean | undefined {
  const end = argv.indexOf('--')
  const options = end < 0 ? argv : argv.slice(0, end)
  const last = options.findLast((word) => word === '--color' || word === '--no-color')
  return last === undefined ? undefined : last === '--color'
}

async function printVersion({ stdout }: CommandContext): Promise<number> {
  await stdout.write(`${version}\n`)
  return 0
}

async function printHelp({ stdout }: CommandContext, { command, named }: ParsedCommandLine): Promise<number> {
  const { commandHelp, mainHelp } = await import('./arguments/help.ts')
  await stdout.write(named ? commandHelp(command) : mainHelp())
  return 0
}

/** A reader that left is no failure: it had enough. What else stops stdout is. */
async function reportOutputFailure({ stdout, stderr }: CommandContext, code: number): Promise<number> {
  const { failure } = stdout
  if (!failure || code > 128) return code
  if (failure.code === 'EPIPE') return 0
  const isFull = failure.code === 'ENOSPC' || failure.code === 'EDQUOT'
  const error = new LmappError(isFull ? 'disk-full' : 'path-unusable', `stdout cannot be written (${failure.code}).`, {
    hint: 'Write it somewhere else',
    cause: failure,
  })
  await printError(stderr, error)
  return error.entry.exit
}
