import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LmappError, pluginNamePattern } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { printNotice } from '../../output/print-error.ts'
import { printJson } from '../../output/print-json.ts'
import { builtInNames } from './install-plugin-session.ts'

/** The SDK's own folder, from the root of a checkout and beside the bundle, and where the new folder has it. */
const languages = {
  node: {
    source: 'packages/kit',
    shipped: 'sdk/node',
    target: 'node_modules/lmapp-kit',
    only: ['package.json', 'dist'],
  },
  python: { source: 'sdk/python/src/lmapp_backend', shipped: 'sdk/python', target: 'lmapp_backend', only: undefined },
} as const

type Language = keyof typeof languages

/** Makes `./NAME` with a backend that works, its settings for `verify`, and a copy of the SDK, so that it runs at once. */
export async function newPlugin(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  assertName(name)
  const language = toLanguage(args.value('language'))
  const folder = resolve(context.directory, name)
  await makeFolder(folder)
  const files = await fill(folder, name, language)
  await copySdk(folder, language)
  if (args.has('json')) await printJson(context.stdout, { name, language, path: folder, files })
  else await printNotice(context.stderr, toNextSteps(name, files))
  return 0
}

function assertName(name: string): void {
  if (builtInNames.has(name)) {
    throw new LmappError('bad-input', `"${name}" is the name of a backend of lmapp.`, {
      hint: `As: lmapp backends new my-${name} --language node`,
      details: { name },
    })
  }
  if (pluginNamePattern.test(name)) return
  throw new LmappError(
    'bad-input',
    `"${name}" is no name of a backend: it must be of a-z, 0-9 and -, at most 64 of them.`,
    {
      hint: 'As: lmapp backends new my-engine --language node',
    },
  )
}

function toLanguage(value: string | undefined): Language {
  if (value !== undefined && Object.hasOwn(languages, value)) return value as Language
  const known = Object.keys(languages).join(' or ')
  const what = value === undefined ? 'The language is missing.' : `There is no template for "${value}".`
  throw new LmappError('bad-input', what, {
    hint: `Say --language ${known}; for any other, read docs/plugins.md and specs/lifecycle.md`,
    details: { known: Object.keys(languages) },
  })
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be made (${code})`
    throw new LmappError('path-unusable', `The folder ${folder} ${why}.`, {
      hint: 'Choose another name, or another folder',
      details: { path: folder },
      cause,
    })
  }
}

async function fill(folder: string, name: string, language: Language): Promise<string[]> {
  const template = inLmapp(`packages/cli/templates/${language}`, `templates/${language}`)
  const files = (await readdir(template)).sort()
  for (const file of files) {
    const text = await readFile(join(template, file), 'utf8')
    await writeFile(join(folder, file), text.replaceAll(/\bNAME\b/g, name))
  }
  return files
}

async function copySdk(folder: string, language: Language): Promise<void> {
  const { source, shipped, target, only } = languages[language]
  const from = inLmapp(source, shipped)
  const isWanted = (path: string) => !path.includes('__pycache__')
  for (const part of only ?? ['']) {
    await cp(join(from, part), join(folder, target, part), { recursive: true, filter: isWanted })
  }
}

/** In a checkout, or beside the bundle. */
function inLmapp(source: string, shipped: string): string {
  const path = process.env.LMAPP_BUNDLED ? `./${shipped}` : `../../../../../${source}`
  return fileURLToPath(new URL(path, import.meta.url))
}

function toNextSteps(name: string, files: readonly string[]): string {
  const main = files.find((file) => file.startsWith('main.')) ?? 'main'
  return [
    `Made ./${name}: your engine goes into ${name}/${main}.`,
    `Judge it:  lmapp backends verify ./${name}`,
    `Use it:    lmapp backends install ./${name}`,
    `           lmapp -m ${name}/parrot "3 times Hello"`,
  ].join('\n')
}
