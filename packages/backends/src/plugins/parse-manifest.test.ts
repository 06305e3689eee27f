import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { parseManifest } from './parse-manifest.ts'

const lines = [
  '{',
  '  "name": "my-engine",',
  '  "version": "1.2.3",',
  '  "description": "An \\"engine\\", \\u00e4",',
  '  "language": "rust",',
  '  "interface_version": "1.0",',
  '  "methods": ["start", "stop", "is_running", "chat", "list_models", "get_info", "embed"],',
  '  "execution": "subprocess",',
  '  "platforms": ["linux-x64"],',
  '  "command": ["./my-engine", "--quiet"],',
  '  "capabilities": { "chat": "yes", "parallel": 4, "sing": "unknown" },',
  '  "config_schema": { "type": "object", "properties": {}, "examples": [1, -2.5e3, true, false, null, []] },',
  '  "homepage": "ignored"',
  '}',
]

/** The manifest with one line put in place of the one that holds the same key. */
function withLine(key: string, line: string): string {
  return lines.map((original) => (original.includes(`"${key}":`) ? line : original)).join('\n')
}

function errorOf(text: string): { message: string; line: unknown } {
  try {
    parseManifest(text, '/b/my/lmapp-backend.json')
  } catch (error) {
    assert.ok(isLmappError(error, 'config-invalid'), String(error))
    assert.match(error.hint, /remove the folder \/b\/my$/)
    return { message: error.message, line: error.details?.line }
  }
  assert.fail(`It was taken:\n${text}`)
}

describe('parseManifest', () => {
  it('reads a manifest, and leaves out keys that it does not know', () => {
    const manifest = parseManifest(lines.join('\n'), 'f')
    const { homepage, ...known } = JSON.parse(lines.join('\n'))
    assert.equal(homepage, 'ignored')
    assert.deepEqual(manifest, known)
  })

  it('reads what other kinds of execution need', () => {
    for (const extra of [
      { execution: 'grpc', address: '127.0.0.1:5000' },
      { execution: 'grpc', address: 'unix:/run/x' },
      { execution: 'ffi', library: './x.so' },
      { execution: 'ffi', library: { 'linux-x64': './x.so' } },
    ]) {
      const { command, ...others } = JSON.parse(lines.join('\n'))
      assert.equal(command.length, 2)
      assert.equal(parseManifest(JSON.stringify({ ...others, ...extra }), 'f').execution, extra.execution)
    }
  })

  it('names file, line and what is wrong with a value', () => {
    for (const [key, line, expected] of [
      ['name', '"name": "My Engine",', /^\/b\/my\/lmapp-backend\.json:2: "name" must be a name of a-z, 0-9 and -/],
      ['version', '"version": 1,', /:3: "version" must be a text/],
      ['description', '"description": null,', /:4: "description" must be/],
      ['language', '', /:1: "language" must be a text/],
      ['interface_version', '"interface_version": "1",', /:6: "interface_version" must be a version/],
      [
        'methods',
        '"methods": ["start", "chat"],',
        /:7: "methods" must have stop, is_running, list_models, get_info too/,
      ],
      ['methods', '"methods": "all",', /:7: "methods" must be a list/],
      ['methods', '"methods": ["start",\n7],', /:8: "methods" must have nothing but texts/],
      ['execution', '"execution": "magic",', /:8: "execution" must be "subprocess", "ffi" or "grpc"/],
      ['execution', '"execution": "grpc",', /:1: "address" must be a host and port on loopback/],
      ['execution', '"execution": "ffi", "library": { "linux-x64": 1 },', /:8: "library" must be a path/],
      ['homepage', '"homepage": "", "address": ["x"]', /:13: "address" must be a host and port/],
      ['platforms', '"platforms": "linux-x64",', /:9: "platforms" must be a list/],
      ['command', '"command": [],', /:10: "command" must begin with a program/],
      ['command', '"command": "./x",', /:10: "command" must be a list/],
      ['capabilities', '"capabilities": [],', /:11: "capabilities" must be an object/],
      ['capabilities', '"capabilities": {\n"chat": "maybe" },', /:12: "capabilities" says "maybe" of chat/],
      ['capabilities', '"capabilities": { "parallel": "4" },', /:11: "capabilities" says "4" of parallel/],
      ['capabilities', '"capabilities": { "parallel": 0 },', /:11: "capabilities" says 0 of parallel; it must be 1/],
      ['capabilities', '"capabilities": { "chat": ["yes"] },', /:11: "capabilities" says \["yes"\] of chat/],
      ['capabilities', '"capabilities": { "chat": { "toString": 1 } },', /:11: "capabilities" says \{"toString":1\}/],
      ['command', '"command": ["./x", "a\\u0000b"],', /:10: "command" must have no NUL character/],
      ['config_schema', '"config_schema": [],', /:12: "config_schema" must be a JSON Schema/],
    ] as const) {
      assert.match(errorOf(withLine(key, line)).message, expected)
    }
  })

  it('names the line on which the JSON is wrong', () => {
    for (const [text, line] of [
      ['', 1],
      ['{\n"a": 1\n"b": 2 }', 3],
      ['{\n"a"; 1 }', 2],
      ['{\n"a": tru }', 2],
      ['{\n"a": 01 }', 2],
      ['{ "a": [1,\n] }', 2],
      ['{ "a": [1\n2] }', 2],
      ['{ "a": 1,\n}', 2],
      ['{\na: 1 }', 2],
      ['{ "a": "b\n" }', 1],
      ['{ "a": 1\n', 2],
      ['{ "a" 1 }', 1],
      ['{}\n\n{}', 3],
      ['{ 1: 2 }', 1],
    ] as const) {
      assert.deepEqual([text, errorOf(text).line], [text, line])
    }
    assert.match(errorOf('["a"]').message, /:1: A manifest must be an object/)
  })
})
