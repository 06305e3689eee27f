import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { findTool, runTool, type ToolContext, type ToolResult, toToolEnvironment, toToolFailed } from './run-tool.ts'

/** Fetches a package without running anything of it; returns the path of its tarball in `folder`. */
export async function packNpm(spec: string, folder: string, context: ToolContext): Promise<string> {
  await makePackage(folder, {})
  const result = await runNpm(['pack', '--pack-destination', '.', '--', spec], folder, context)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (result.code !== 0 || tarball === undefined) throw toNpmFailed(`fetch ${spec}`, result)
  return join(folder, tarball)
}

/** Puts these packages into `folder`, beside the plugin that needs them; no script of theirs is run. */
export async function installNpm(
  dependencies: Record<string, string>,
  folder: string,
  context: ToolContext,
): Promise<void> {
  await makePackage(folder, dependencies)
  const flags = ['--omit=dev', '--no-audit', '--no-fund', '--install-links', ...(context.offline ? ['--offline'] : [])]
  const result = await runNpm(['install', ...flags], folder, context)
  if (result.code !== 0) throw toNpmFailed('install what the plugin needs', result)
}

/** A package of our own: npm looks for settings no further up, and finds none of the plugin's. */
async function makePackage(folder: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true })
  const own = { name: 'lmapp-plugin', version: '0.0.0', private: true, dependencies }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`)
}

/** Settings of npm itself, but for those by which a program that npm started would make it work elsewhere. */
const npmVariables =
  /^npm_config_(?!(local_prefix|global_prefix|prefix|global|location|dry_run|ignore_scripts|omit|include|workspaces?|package_lock_only)$)\w+$/i

async function runNpm(args: readonly string[], folder: string, context: ToolContext): Promise<ToolResult> {
  const [verb = '', ...others] = args
  const flags = ['--ignore-scripts', '--json', '--loglevel=error', '--no-global', '--no-dry-run', '--prefix', folder]
  const command = [...(await findNpm(context)), verb, ...flags, ...others]
  return runTool({ command, folder, environment: toToolEnvironment(context, npmVariables, {}), signal: context.signal })
}

async function findNpm(context: ToolContext): Promise<string[]> {
  const npm = await findTool('npm', context)
  if (npm === undefined) {
    throw new LmappError('tool-missing', 'npm is needed for this plugin, and it was not found.', {
      hint: 'Install Node.js, which brings npm: https://nodejs.org',
      details: { tool: 'npm' },
    })
  }
  // A script of the command shell, which Node starts only through that shell: its own program is a script of Node.
  return process.platform === 'win32' ? ['node', join(dirname(npm), 'node_modules/npm/bin/npm-cli.js')] : [npm]
}

function toNpmFailed(what: string, result: ToolResult): LmappError {
  return toToolFailed(what, 'npm', result, readSummary(result.stdout))
}

/** With `--json` npm tells in one sentence what went wrong. */
function readSummary(stdout: string): string | undefined {
  try {
    const { error } = JSON.parse(stdout) as { error?: { summary?: unknown } }
    return typeof error?.summary === 'string' && error.summary !== '' ? error.summary : undefined
  } catch {
    return undefined
  }
}
