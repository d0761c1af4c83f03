/** Shorter values would mask ordinary words. */
const shortest = 8;

/** Values of variables whose names say that they are secret, so that no command can show them. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= shortest && isSecretName(name) ? [value] : [],
  );
}

function isSecretName(name: string): boolean {
  return /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|NSEC|APIKEY|(API|PRIVATE|SECRET|ACCESS|AUTH)_?KEY)(_|$)/i.test(
    name,
  );
}
