/** URLs in git's messages may carry the owner's password; no message, log or journal line may. */
export const withoutCredentials = (text: string): string =>
  text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s'"]*@/gi, '$1')
    .replace(/([?&](?:access_token|private_token|token|key|password)=)[^&\s'"]+/gi, '$1...');
