// The floor of a one-shot: a bare script that posts the same request and prints what comes.
import http from 'node:http'

const request = http.request(`${process.argv[2]}/api/chat`, { method: 'POST' }, (response) => {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) process.stdout.write(JSON.parse(line).message.content)
  })
})
request.end(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: process.argv[3] }], stream: true }))
