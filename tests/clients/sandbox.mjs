// A sandbox to talk to: the one MITTLER_SANDBOX describes (the JSON line it prints), or one started for this test file.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export async function sandbox() {
  if (process.env.MITTLER_SANDBOX) {
    return { access: JSON.parse(process.env.MITTLER_SANDBOX), stop() {} };
  }
  const program = `${process.env.MITTLER_TEST_BIN_DIR ?? '.'}/mittler`;
  const server = spawn(program, ['sandbox', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = new Promise((_, reject) => server.once('error', reject));
  const lines = createInterface({ input: server.stdout });
  const line = await Promise.race([new Promise((resolve) => lines.once('line', resolve)), failed]);
  return {
    access: JSON.parse(line),
    stop() {
      lines.close();
      server.kill();
    },
  };
}
