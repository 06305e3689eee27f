import { version } from './version.ts'

const argv = process.argv.slice(2)
const [only] = argv.length === 1 ? argv : []

if (only === '--version' || only === '-V' || only === 'version') print(`${version}\n`)
else if (only === '--help' || only === '-h' || only === 'help') print((await import('./arguments/help.ts')).mainHelp())
else process.exit(await (await import('./run.ts')).run(argv))

/** A reader that left has seen enough. */
function print(text: string): void {
  process.stdout.on('error', () => {}).write(text)
}
