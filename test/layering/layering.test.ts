import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Which packages a package's sources may import. `types`: only by `import type`. */
const arrows: Record<string, { values: string[]; types: string[] }> = {
  'packages/kit': { values: [], types: [] },
  'packages/client': { values: ['lmapp-kit'], types: [] },
  'packages/backends': { values: ['lmapp-kit'], types: [] },
  'packages/core': { values: ['lmapp-kit'], types: [] },
  'packages/server': { values: ['lmapp-kit', '@lmapp/core'], types: ['lmapp-client'] },
  'packages/cli': {
    values: ['lmapp-kit', 'lmapp-client', '@lmapp/core', '@lmapp/server', '@lmapp/backends'],
    types: [],
  },
  'plugins/embedded': { values: ['lmapp-kit'], types: [] },
}
const ours = ['lmapp-kit', 'lmapp-client', '@lmapp/core', '@lmapp/server', '@lmapp/backends', 'lmapp']

interface Import {
  file: string
  from: string
  isType: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(root + file, 'utf8')
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g,
  )
  return [...statements].map(([, type, named, dynamic, bare]) => ({
    file,
    from: named ?? dynamic ?? bare ?? '',
    isType: type !== undefined,
  }))
}

const sourcesOf = (room: string) =>
  globSync(`${room}/src/**/*.ts`, { cwd: root }).filter((file) => !/\.test\.ts$|\/fixtures\/|\/testing\//.test(file))

describe('the arrows between packages', () => {
  for (const [room, allowed] of Object.entries(arrows)) {
    it(`${room} imports only what is below it`, () => {
      const files = sourcesOf(room)
      assert.ok(files.length > 0, 'no sources were found')
      const wrong = files.flatMap(importsOf).filter(({ from, isType }) => {
        const target = ours.find((name) => from === name || from.startsWith(`${name}/`))
        if (!target) return false
        return !allowed.values.includes(target) && !(isType && allowed.types.includes(target))
      })
      assert.deepEqual(wrong, [])
    })

    it(`${room} reaches no other room by a relative path`, () => {
      const wrong = sourcesOf(room)
        .flatMap(importsOf)
        .filter(({ file, from }) => {
          if (!from.startsWith('.')) return false
          return !new URL(from, `file:///${file}`).pathname.startsWith(`/${room}/`)
        })
      assert.deepEqual(wrong, [])
    })
  }

  it('only the command reads the environment, prints and exits', () => {
    const rooms = Object.keys(arrows).filter((room) => room !== 'packages/cli')
    const wrong = rooms.flatMap(sourcesOf).filter((file) => {
      const text = readFileSync(root + file, 'utf8')
      return /process\.(env|exit\()|console\./.test(text)
    })
    assert.deepEqual(wrong, allowedToTouchTheProcess)
  })

  it('no import cycle stands between the files of a package', () => {
    for (const room of Object.keys(arrows)) assert.deepEqual(findCycle(sourcesOf(room)), [])
  })
})

/** `serve()` is the whole of a plugin's process. */
const allowedToTouchTheProcess = ['packages/kit/src/serve/serve.ts', 'packages/kit/src/serve/take-stdout.ts']

function findCycle(files: string[]): string[] {
  const targets = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter(({ from, isType }) => from.startsWith('.') && !isType)
        .map(({ from }) => new URL(from, `file:///${file}`).pathname.slice(1)),
    ]),
  )
  const finished = new Set<string>()
  const visit = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (finished.has(file)) return []
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle.length > 0) return cycle
    }
    finished.add(file)
    return []
  }
  for (const file of files) {
    const cycle = visit(file, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
