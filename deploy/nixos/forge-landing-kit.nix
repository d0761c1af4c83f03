# UNTESTED. The same as the files beside this folder, as a NixOS module. `package` is this kit built
# with its own lockfile, with `land` in its bin.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.forge-landing-kit;
  state = "/var/lib/forge-landing-kit";
  land = "${cfg.package}/bin/land";
  # sshd wants its command in a path that root alone can change, and /nix/store is the builders' too.
  keys = "ssh/forge-authorized-keys";
  moved = "return 410 \"This forge moved to https://${cfg.canonicalHost}/git\\n\";";
  memberFile = name: member: pkgs.writeText "${name}.keys"
    (lib.concatStringsSep "\n" ([ "# npub: ${member.npub}" ] ++ member.keys ++ [ "" ]));
in
{
  options.services.forge-landing-kit = {
    enable = lib.mkEnableOption "a forge of forge-landing-kit";
    package = lib.mkOption { type = lib.types.package; };
    forge = lib.mkOption {
      type = lib.types.str;
      description = "The forge's folder below ${state}, as `land init` named it.";
    };
    port = lib.mkOption { type = lib.types.port; default = 8788; };
    canonicalHost = lib.mkOption { type = lib.types.str; };
    retiredHosts = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ ]; };
    members = lib.mkOption {
      default = { };
      type = lib.types.attrsOf (lib.types.submodule {
        options = {
          npub = lib.mkOption { type = lib.types.str; };
          keys = lib.mkOption { type = lib.types.listOf lib.types.str; };
        };
      });
    };
  };

  config = lib.mkIf cfg.enable {
    environment.etc.${keys} = {
      mode = "0755";
      text = ''
        #!${pkgs.runtimeShell}
        exec ${land} authorized-keys --state ${state}/${cfg.forge} --members ${state}-members
      '';
    };
    # A member's session finds git here.
    environment.systemPackages = [ pkgs.git cfg.package ];

    users.groups.git = { };
    users.users.git = {
      isSystemUser = true;
      group = "git";
      home = "/var/lib/forge-git";
      shell = "${pkgs.git}/bin/git-shell";
    };

    systemd.tmpfiles.rules = [
      "d  /var/lib/forge-git 0755 root root -"
      "d  /var/lib/forge-git/git-shell-commands 0755 root root -"
      "L+ /var/lib/forge-git/git-shell-commands/land - - - - ${land}"
      "L+ ${state}-members - - - - ${pkgs.linkFarm "forge-members"
        (lib.mapAttrsToList (name: member: { name = "${name}.keys"; path = memberFile name member; }) cfg.members)}"
      "d  ${state} 0700 git git -"
      "Z  ${state} - git git -"
      "z  ${state}/* 0700 git git -"
      "z  ${state}/*/forge.json 0600 git git -"
      "z  ${state}/*/forge.db* 0600 git git -"
      "z  ${state}/*/keys 0700 git git -"
    ];

    systemd.services.forge-landing-kit = {
      wantedBy = [ "multi-user.target" ];
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      path = [ pkgs.git pkgs.bash pkgs.coreutils pkgs.bubblewrap ];
      startLimitIntervalSec = 0;
      unitConfig.AssertPathExists = "${state}/${cfg.forge}/forge.json";
      environment = {
        HOME = "/var/lib/forge-git";
        XDG_STATE_HOME = "/var/lib";
        XDG_CACHE_HOME = "/var/cache/forge-landing-kit/${cfg.forge}";
      };
      serviceConfig = {
        User = "git";
        Group = "git";
        UMask = "0022";
        ExecStart = "${land} serve --state ${state}/${cfg.forge} --port ${toString cfg.port}";
        Restart = "always";
        RestartSec = 5;
        TimeoutStopSec = 20;
        KillMode = "mixed";
        StateDirectory = "forge-landing-kit/${cfg.forge}";
        StateDirectoryMode = "0700";
        CacheDirectory = "forge-landing-kit/${cfg.forge}";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        NoNewPrivileges = true;
        CapabilityBoundingSet = "";
        LockPersonality = true;
      };
    };

    services.openssh = {
      enable = true;
      extraConfig = ''
        Match User git
            AuthenticationMethods publickey
            AuthorizedKeysFile none
            AuthorizedKeysCommand /etc/${keys}
            AuthorizedKeysCommandUser git
            AcceptEnv GIT_PROTOCOL
            PermitTTY no
            PermitUserRC no
            DisableForwarding yes
        Match all
      '';
    };

    services.nginx = {
      enable = true;
      virtualHosts = {
        ${cfg.canonicalHost} = {
          forceSSL = true;
          enableACME = true;
          locations."/" = {
            proxyPass = "http://127.0.0.1:${toString cfg.port}";
            extraConfig = ''
              proxy_set_header Host $host;
              proxy_buffering off;
              proxy_read_timeout 1h;
            '';
          };
        };
      } // lib.genAttrs cfg.retiredHosts (_: {
        addSSL = true;
        enableACME = true;
        locations."/".extraConfig = "default_type text/plain; ${moved}";
      });
    };
  };
}
